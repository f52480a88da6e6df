package io.github.dl4jjepa.core.internal.samediff;

import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.array.SingleThreadArrayHolder;
import org.nd4j.linalg.factory.Nd4j;

/** Makes graphs that share their parameters' arrays. */
public final class Graphs {
    /** The system property that, set to {@code false}, makes all graphs of stock operators. */
    public static final String FUSED_OPERATORS = "io.github.dl4jjepa.fusedOperators";

    private Graphs() {}

    /**
     * An empty graph that holds the very arrays it is given. SameDiff can run, save and train it.
     *
     * <p>{@code SameDiff.create()} keeps a hidden copy of each variable for other devices: as much
     * memory again as the model has.
     */
    public static SameDiff create() {
        return withVariables(new SingleThreadArrayHolder());
    }

    /**
     * Like {@link #create}, for graphs that only a {@link GraphExecutor} runs: {@code Ops} draws
     * faster operators into it, which SameDiff cannot run. Stock ones are drawn all the same where
     * variables are not FLOAT, where ND4J's backend is not the CPU's, and where the system property
     * {@link #FUSED_OPERATORS} is {@code false}.
     */
    public static SameDiff createForExecutor() {
        return fusesOperators() ? withVariables(new ExecutorsVariables()) : create();
    }

    private static boolean fusesOperators() {
        return !"false".equals(System.getProperty(FUSED_OPERATORS))
                && Nd4j.getEnvironment().isCPU();
    }

    private static SameDiff withVariables(SingleThreadArrayHolder variables) {
        SameDiff graph = SameDiff.create();
        graph.setArrayHolders(variables, new SingleThreadArrayHolder(), false);
        return graph;
    }

    /** Whether a graph may have operators that only a {@link GraphExecutor} runs. */
    public static boolean isForExecutor(SameDiff graph) {
        return graph.getVariablesArrays() instanceof ExecutorsVariables;
    }

    /** Marks a graph. */
    private static final class ExecutorsVariables extends SingleThreadArrayHolder {}
}
