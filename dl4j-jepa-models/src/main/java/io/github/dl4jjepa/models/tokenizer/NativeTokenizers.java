package io.github.dl4jjepa.models.tokenizer;

import ai.djl.engine.EngineException;
import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.djl.util.Platform;
import ai.djl.util.Utils;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.internal.RootCause;
import java.util.Map;

/** The native library of DJL's tokenizers. */
final class NativeTokenizers {
    private NativeTokenizers() {}

    /**
     * Loads the library, if it is not loaded.
     *
     * @throws JepaException if there is none for this platform, or it cannot be loaded
     */
    static void load() {
        keepOffTheNetwork();
        requirePlatform(Platform.fromSystem("tokenizers").getClassifier());
        try {
            LibUtils.checkStatus();
        } catch (EngineException | LinkageError e) {
            throw new JepaException(notLoaded(e), e);
        }
    }

    /**
     * DJL would look for a CUDA build of the tokenizers library to download, and report its use to
     * its makers when it runs on AWS.
     */
    private static void keepOffTheNetwork() {
        for (Map.Entry<String, String> setting :
                Map.of("RUST_FLAVOR", "cpu", "OPT_OUT_TRACKING", "true").entrySet()) {
            if (System.getProperty(setting.getKey()) == null) {
                System.setProperty(setting.getKey(), setting.getValue());
            }
        }
    }

    /** DJL looks for a download where its jar has no library. */
    static void requirePlatform(String platform) {
        String library = "native/lib/" + platform + "/cpu/" + System.mapLibraryName("tokenizers");
        boolean overridden = Utils.getEnvOrSystemProperty("RUST_LIBRARY_PATH") != null;
        if (!overridden && LibUtils.class.getClassLoader().getResource(library) == null) {
            throw new JepaException(
                    "DJL's tokenizers have no native library for this platform, "
                            + platform
                            + "; docs/backends.md lists the platforms that have one. Use one of"
                            + " those, or build the library and name its folder in the environment"
                            + " variable RUST_LIBRARY_PATH");
        }
    }

    static String notLoaded(Throwable failure) {
        return "the native library of DJL's tokenizers cannot be loaded: "
                + RootCause.message(failure)
                + ". It is unpacked into "
                + Utils.getEngineCacheDir("tokenizers")
                + " and loaded from there, which a file system that is read-only or mounted noexec"
                + " prevents: name another folder in the environment variable DJL_CACHE_DIR";
    }
}
