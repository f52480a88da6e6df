package io.github.dl4jjepa.models.finetuning;

import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.internal.Versions;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Properties;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.environment.Nd4jEnvironment;
import org.nd4j.linalg.factory.Nd4j;

/**
 * What {@code run.json} says about where a run comes from, besides its settings and the hashes of
 * its inputs.
 *
 * @param format the version of the file's format; files of 0.1.0 have none
 * @param versions what the run was begun with: dl4j-jepa, ND4J, its backend, threads, Java, the
 *     platform
 * @param modelRevision the commit on the Hugging Face hub, if the model is from there
 */
record RunOrigin(int format, Map<String, String> versions, @Nullable String modelRevision) {
    /** The format that is written; later ones are not read. */
    static final int FORMAT = 1;

    private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");

    /** The origin of a run that begins now. */
    static RunOrigin now(CheckpointFolder source) {
        Properties environment = Nd4j.getExecutioner().getEnvironmentInformation();
        Map<String, String> versions = new LinkedHashMap<>();
        versions.put("dl4j_jepa", Versions.jepa());
        versions.put("nd4j", Versions.deeplearning4j());
        versions.put(
                "backend",
                environment.get(Nd4jEnvironment.BACKEND_KEY)
                        + ", "
                        + environment.get(Nd4jEnvironment.BLAS_VENDOR_KEY));
        versions.put("threads", String.valueOf(environment.get(Nd4jEnvironment.OMP_THREADS_KEY)));
        versions.put("java", System.getProperty("java.version"));
        versions.put(
                "platform", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
        return new RunOrigin(FORMAT, versions, revision(source.path()));
    }

    /** The commit of a snapshot in the hub's cache, {@code …/snapshots/COMMIT}. */
    private static @Nullable String revision(Path folder) {
        Path name = folder.getFileName();
        Path parent = folder.getParent();
        return parent != null
                        && parent.endsWith("snapshots")
                        && COMMIT.matcher(name.toString()).matches()
                ? name.toString()
                : null;
    }
}
