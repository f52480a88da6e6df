package io.github.dl4jjepa.core.layer;

import java.util.function.Supplier;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.factory.Nd4j;

/** Deeplearning4j's workspaces, which our executor's arrays must stay out of. */
final class Workspaces {
    private Workspaces() {}

    /** Does something with no workspace open. */
    @SuppressWarnings("try") // it is closed, and that is all there is to do with it
    static <T> T outside(Supplier<T> action) {
        try (MemoryWorkspace none = Nd4j.getWorkspaceManager().scopeOutOfWorkspaces()) {
            return action.get();
        }
    }
}
