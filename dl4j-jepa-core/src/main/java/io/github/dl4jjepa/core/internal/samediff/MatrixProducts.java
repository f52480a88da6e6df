package io.github.dl4jjepa.core.internal.samediff;

import java.util.Arrays;
import java.util.List;
import java.util.function.BiFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.linalg.api.buffer.DataType;
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
    static boolean canBind(DifferentialFunction operator, Tensor[] inputs) {
        return HAS_ONE_DNN
                && (operator.opName().equals("matmul") || operator.opName().equals("matmul_bp"))
                && operator instanceof DynamicCustomOp custom
                && !transposes(custom, 2)
                && (custom.numTArguments() == 0 || custom.getTArgument(0) == 1)
                && Stream.of(inputs).allMatch(MatrixProducts::isMatrices)
                && Stream.of(inputs).allMatch(input -> haveOneBatch(input, inputs[0]));
    }

    private static boolean isMatrices(Tensor tensor) {
        return tensor.rank() >= 2
                && tensor.length() > 0
                && tensor.isRowMajor()
                && tensor.dataType() == DataType.FLOAT
                && tensor.isDense();
    }

    /** Whether the axes before the last two are the same. */
    private static boolean haveOneBatch(Tensor a, Tensor b) {
        return a.rank() == b.rank()
                && Arrays.equals(a.shape(), 0, a.rank() - 2, b.shape(), 0, b.rank() - 2);
    }

    private static boolean transposes(DynamicCustomOp operator, int operand) {
        return operator.numIArguments() > operand && operator.getIArgument(operand) != 0;
    }

    /** Allocates the outputs and binds an operator that {@link #canBind} accepts. */
    static BoundOperator bind(
            DynamicCustomOp operator,
            Tensor[] inputs,
            BiFunction<DataType, long[], Tensor> allocate) {
        boolean transposesA = transposes(operator, 0);
        boolean transposesB = transposes(operator, 1);
        Matrices a = Matrices.of(inputs[0]).transposed(transposesA);
        Matrices b = Matrices.of(inputs[1]).transposed(transposesB);
        if (operator.opName().equals("matmul")) {
            long[] shape = inputs[0].shape().clone();
            shape[shape.length - 2] = a.rows();
            shape[shape.length - 1] = b.columns();
            return Product.of(a, b, Matrices.of(allocate.apply(DataType.FLOAT, shape)));
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

    private static Product inOrder(Matrices a, Matrices b, Matrices result, boolean swaps) {
        return swaps
                ? Product.of(b.transposed(true), a.transposed(true), result.transposed(true))
                : Product.of(a, b, result);
    }

    /** A product of matrices, or of as many matrices each. */
    private record Product(
            boolean transposesA,
            boolean transposesB,
            List<Factors> factors,
            int rows,
            int columns,
            int terms)
            implements BoundOperator {
        private record Factors(TileProduct.Tile a, TileProduct.Tile b, TileProduct.Tile result) {}

        static Product of(Matrices a, Matrices b, Matrices result) {
            return new Product(
                    a.isTransposed(),
                    b.isTransposed(),
                    IntStream.range(0, result.count())
                            .mapToObj(i -> new Factors(a.tile(i), b.tile(i), result.tile(i)))
                            .toList(),
                    result.rows(),
                    result.columns(),
                    a.columns());
        }

        @Override
        public void run() {
            for (Factors pair : factors) {
                OneDnn.multiply(
                        transposesA,
                        transposesB,
                        pair.a(),
                        pair.b(),
                        pair.result(),
                        rows,
                        columns,
                        terms,
                        false);
            }
        }
    }

    /** Two products. */
    private record Pair(Product first, Product second) implements BoundOperator {
        @Override
        public void run() {
            first.run();
            second.run();
        }
    }
}
