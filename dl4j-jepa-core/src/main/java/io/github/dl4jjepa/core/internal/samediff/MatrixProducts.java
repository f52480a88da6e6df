package io.github.dl4jjepa.core.internal.samediff;

import java.util.Arrays;
import java.util.List;
import java.util.function.BiFunction;
import java.util.stream.Stream;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;

/**
 * Matrix products and their gradients by oneDNN, where the library {@code org.bytedeco:dnnl} is on
 * the class path. ND4J calls OpenBLAS, once for each matrix of a batch.
 */
final class MatrixProducts {
    static final boolean HAS_ONE_DNN = hasOneDnn();

    private MatrixProducts() {}

    private static boolean hasOneDnn() {
        try {
            OneDnn.load();
            return true;
        } catch (LinkageError e) {
            return false;
        }
    }

    /** Whether an operator is a product, or the gradient of one, that can be bound here. */
    static boolean canBind(DifferentialFunction operator, INDArray[] inputs) {
        return HAS_ONE_DNN
                && (operator.opName().equals("matmul") || operator.opName().equals("matmul_bp"))
                && operator instanceof DynamicCustomOp custom
                && !transposes(custom, 2)
                && (custom.numTArguments() == 0 || custom.getTArgument(0) == 1)
                && Stream.of(inputs).allMatch(MatrixProducts::isMatrices)
                && Stream.of(inputs).map(MatrixProducts::batch).distinct().count() == 1;
    }

    private static boolean isMatrices(INDArray array) {
        return array.rank() >= 2
                && array.length() > 0
                && array.ordering() == 'c'
                && FloatMemory.isReadable(array);
    }

    /** The axes before the last two. */
    private static List<Long> batch(INDArray array) {
        return Arrays.stream(array.shape()).limit(array.rank() - 2L).boxed().toList();
    }

    private static boolean transposes(DynamicCustomOp operator, int operand) {
        return operator.numIArguments() > operand && operator.getIArgument(operand) != 0;
    }

    /** Allocates the outputs and binds an operator that {@link #canBind} accepts. */
    static BoundOperator bind(
            DynamicCustomOp operator,
            INDArray[] inputs,
            BiFunction<DataType, long[], INDArray> allocate) {
        boolean transposesA = transposes(operator, 0);
        boolean transposesB = transposes(operator, 1);
        Matrices a = Matrices.of(inputs[0]).transposed(transposesA);
        Matrices b = Matrices.of(inputs[1]).transposed(transposesB);
        if (operator.opName().equals("matmul")) {
            long[] shape = inputs[0].shape().clone();
            shape[shape.length - 2] = a.rows();
            shape[shape.length - 1] = b.columns();
            return OneDnn.product(a, b, Matrices.of(allocate.apply(DataType.FLOAT, shape)));
        }
        Matrices gradient = Matrices.of(inputs[2]);
        Matrices ofA =
                Matrices.of(allocate.apply(DataType.FLOAT, inputs[0].shape()))
                        .transposed(transposesA);
        Matrices ofB =
                Matrices.of(allocate.apply(DataType.FLOAT, inputs[1].shape()))
                        .transposed(transposesB);
        // The result is written in row order: transposed, the factors are swapped.
        return new Pair(
                inOrder(gradient, b.transposed(true), ofA, transposesA),
                inOrder(a.transposed(true), gradient, ofB, transposesB));
    }

    private static BoundOperator inOrder(Matrices a, Matrices b, Matrices result, boolean swaps) {
        return swaps
                ? OneDnn.product(b.transposed(true), a.transposed(true), result.transposed(true))
                : OneDnn.product(a, b, result);
    }

    /** Two products. */
    private record Pair(BoundOperator first, BoundOperator second) implements BoundOperator {
        @Override
        public void run() {
            first.run();
            second.run();
        }

        @Override
        public void close() {
            first.close();
            second.close();
        }
    }
}
