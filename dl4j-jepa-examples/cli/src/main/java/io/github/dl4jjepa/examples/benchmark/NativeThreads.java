package io.github.dl4jjepa.examples.benchmark;

import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOpsHolder;

/** How many threads ND4J's operations and its BLAS library may use on the CPU. */
public final class NativeThreads {
    private NativeThreads() {}

    /**
     * What the process was started with: {@code OMP_NUM_THREADS}, or as many as there are cores.
     */
    public static int available() {
        return Nd4j.getEnvironment().maxThreads();
    }

    /**
     * Limits the threads, from now on and for what the calling thread runs: OpenMP keeps the number
     * by thread, OpenBLAS by process.
     *
     * @param threads 1 to {@link #available()}
     */
    public static void limit(int threads) {
        NativeOpsHolder.getInstance().getDeviceNativeOps().setOmpNumThreads(threads);
        Nd4j.factory().blas().setMaxThreads(threads);
    }
}
