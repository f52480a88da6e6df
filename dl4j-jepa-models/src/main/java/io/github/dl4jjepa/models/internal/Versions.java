package io.github.dl4jjepa.models.internal;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/** The versions that this build is of. */
public final class Versions {
    private static final Properties BUILD = read();

    private Versions() {}

    /** The version of dl4j-jepa. */
    public static String jepa() {
        return BUILD.getProperty("jepa");
    }

    /** The version of Deeplearning4j and ND4J that it is built against. */
    public static String deeplearning4j() {
        return BUILD.getProperty("deeplearning4j");
    }

    private static Properties read() {
        Properties versions = new Properties();
        try (InputStream file = Versions.class.getResourceAsStream("version.properties")) {
            versions.load(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return versions;
    }
}
