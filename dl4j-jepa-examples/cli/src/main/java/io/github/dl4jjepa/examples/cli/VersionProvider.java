package io.github.dl4jjepa.examples.cli;

import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;
import picocli.CommandLine.IVersionProvider;

/** What {@code --version} prints: all that a bug report needs. */
final class VersionProvider implements IVersionProvider {
    @Override
    public String[] getVersion() throws IOException {
        Properties versions = new Properties();
        try (InputStream file = VersionProvider.class.getResourceAsStream("version.properties")) {
            versions.load(file);
        }
        return new String[] {
            "jepa " + versions.getProperty("jepa"),
            "Deeplearning4j " + versions.getProperty("deeplearning4j"),
            "Java ${java.version} (${java.vendor}), ${os.name} ${os.arch}"
        };
    }
}
