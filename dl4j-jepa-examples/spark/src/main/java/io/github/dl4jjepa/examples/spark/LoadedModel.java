package io.github.dl4jjepa.examples.spark;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.internal.samediff.Backend;
import io.github.dl4jjepa.models.internal.NativeAllocator;
import java.util.function.Function;
import java.util.function.Supplier;
import org.apache.spark.SparkEnv;
import org.jspecify.annotations.Nullable;

/**
 * The model of a run in an executor's process, loaded once. A process has one at a time, which one
 * task at a time uses: ND4J itself uses all cores.
 */
final class LoadedModel {
    private static @Nullable LoadedModel current;

    private final String run;
    private final AutoCloseable model;

    private LoadedModel(String run, AutoCloseable model) {
        this.run = run;
        this.model = model;
    }

    /**
     * Computes with the model of a run.
     *
     * @param run tells runs apart
     * @param type what the run's model is
     * @param load loads it, if this is the first time
     */
    static synchronized <M extends AutoCloseable, T> T with(
            String run, Class<M> type, Supplier<M> load, Function<M, T> computation) {
        LoadedModel loaded = current;
        if (loaded == null || !loaded.run.equals(run)) {
            if (loaded != null) {
                current = null;
                close(loaded.model);
            }
            loaded = new LoadedModel(run, load(load));
            current = loaded;
        }
        return computation.apply(type.cast(loaded.model));
    }

    private static void close(AutoCloseable model) {
        try {
            model.close();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private static <M> M load(Supplier<M> load) {
        SparkEnv environment = SparkEnv.get();
        try {
            Backend.requireUsable();
            NativeAllocator.returnLargeArrays();
            return load.get();
        } catch (JepaException e) {
            throw new JepaException(
                    "Executor "
                            + environment.executorId()
                            + " on "
                            + environment.blockManager().blockManagerId().host()
                            + ": "
                            + e.getMessage()
                            + " Every executor reads the model itself: from a folder at the same"
                            + " path as on the driver, or from the hub by its name.",
                    e);
        }
    }
}
