package io.github.dl4jjepa.examples.cli;

import com.sun.jna.Platform;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The folders into which native libraries are unpacked before they are loaded.
 *
 * <p>By default they are in the user's home. Containers and batch systems have homes that cannot be
 * written, or from which no library can be loaded (a file system mounted {@code noexec}). The
 * libraries are then unpacked into the temporary folder.
 */
final class NativeCaches {
    private NativeCaches() {}

    /**
     * A cache.
     *
     * @param property the system property that names its folder
     * @param settings properties and environment variables by which a user may have named it
     * @param folder its default, in the user's home
     */
    private record Cache(String property, List<String> settings, String folder) {}

    private static final List<Cache> CACHES =
            List.of(
                    new Cache(
                            "org.bytedeco.javacpp.cachedir",
                            List.of("org.bytedeco.javacpp.cachedir"),
                            ".javacpp/cache"),
                    new Cache(
                            "DJL_CACHE_DIR",
                            List.of("DJL_CACHE_DIR", "ENGINE_CACHE_DIR"),
                            ".djl.ai"));

    private static final Cache JNA =
            new Cache(
                    "jna.tmpdir",
                    List.of("jna.tmpdir", "jna.boot.library.path", "XDG_CACHE_HOME"),
                    ".cache/JNA/temp");

    /**
     * Moves the caches that cannot be used to the temporary folder, unless the user has named their
     * folders. To be called before a native library is loaded.
     */
    static void choose() {
        Path home = Path.of(System.getProperty("user.home"));
        Path temporary =
                Path.of(
                        System.getProperty("java.io.tmpdir"),
                        "jepa-" + System.getProperty("user.name"));
        CACHES.forEach(cache -> choose(cache, home, temporary));
        if (Platform.isLinux()) {
            choose(JNA, home, temporary);
        }
    }

    private static void choose(Cache cache, Path home, Path temporary) {
        boolean named =
                cache.settings().stream()
                        .anyMatch(
                                name ->
                                        System.getProperty(name) != null
                                                || System.getenv(name) != null);
        if (named || isUsable(home.resolve(cache.folder()))) {
            return;
        }
        Path folder = temporary.resolve(cache.folder());
        if (isUsable(folder)) {
            System.setProperty(cache.property(), folder.toString());
        }
    }

    /**
     * Whether libraries can be written into a folder and loaded from it. On a file system that is
     * mounted noexec no file may be run, whatever its permissions say. In the temporary folder, a
     * folder of another user is not to be trusted.
     */
    static boolean isUsable(Path folder) {
        try {
            Files.createDirectories(folder);
            Path probe = Files.createTempFile(folder, "probe", null);
            try {
                return probe.toFile().setExecutable(true)
                        && Files.isExecutable(probe)
                        && Files.getOwner(folder).equals(Files.getOwner(probe));
            } finally {
                Files.delete(probe);
            }
        } catch (IOException e) {
            return false;
        }
    }
}
