package io.github.dl4jjepa.examples.cli;

import io.github.dl4jjepa.models.internal.Versions;
import picocli.CommandLine.IVersionProvider;

/** What {@code --version} prints: all that a bug report needs. */
final class VersionProvider implements IVersionProvider {
    @Override
    public String[] getVersion() {
        return new String[] {
            "jepa " + Versions.jepa(),
            "Deeplearning4j " + Versions.deeplearning4j(),
            "Java ${java.version} (${java.vendor}), ${os.name} ${os.arch}"
        };
    }
}
