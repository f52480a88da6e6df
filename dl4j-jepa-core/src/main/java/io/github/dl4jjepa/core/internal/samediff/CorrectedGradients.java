package io.github.dl4jjepa.core.internal.samediff;

import java.lang.reflect.Field;
import java.lang.reflect.InaccessibleObjectException;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.imports.converters.DifferentialFunctionClassHolder;
import org.nd4j.imports.converters.ImportClassMapping;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.impl.reduce.Mmul;
import org.nd4j.linalg.api.ops.impl.scatter.ScatterAdd;
import org.nd4j.linalg.api.ops.impl.shape.Gather;
import org.nd4j.linalg.api.ops.impl.transforms.pairwise.arithmetic.AddOp;
import org.nd4j.linalg.api.ops.impl.transforms.pairwise.arithmetic.MulOp;

/**
 * SameDiff's operators with our gradients.
 *
 * <p>SameDiff makes the operators of a gradient graph anew from their names, by the table of {@link
 * ImportClassMapping} and by a second one that {@link DifferentialFunctionClassHolder} derives from
 * it when the process first clones a graph; a subclass counts only if it stands in both. The tables
 * are the process's, so these subclasses must leave other people's graphs alone: an elementwise
 * operator behaves as the stock one unless it carries an {@link Operand}. {@code gather} along the
 * first axis is mended for everyone.
 */
public final class CorrectedGradients {
    private CorrectedGradients() {}

    /**
     * Puts the operators into SameDiff's tables; idempotent.
     *
     * @throws IllegalStateException if SameDiff would not use them
     */
    public static synchronized void install() {
        List.of(
                        new GatherRows(),
                        new Multiply(),
                        new Add(),
                        new ConstantProduct(),
                        new Sigmoid(),
                        new StopGradient())
                .forEach(CorrectedGradients::register);
        List.of(
                        new GatedActivation.Forward(),
                        new GatedActivation.Backward(),
                        new RowNorm.Forward(),
                        new RowNorm.Backward(),
                        new CrossEntropy.Forward(),
                        new CrossEntropy.Backward(),
                        new MaskedSoftmax.Forward(),
                        new MaskedSoftmax.Backward(),
                        new CachedAttention.Forward(),
                        new Rotary.Turn(),
                        new Attention.Forward(),
                        new Attention.Backward())
                .forEach(CorrectedGradients::registerNew);
    }

    /** Makes SameDiff find an operator that is not its own when it copies a graph. */
    private static void registerNew(FusedOperator operator) {
        ImportClassMapping.getOpNameMapping().put(operator.opName(), operator);
        DifferentialFunctionClassHolder holder = DifferentialFunctionClassHolder.getInstance();
        sharedHashTable(holder)
                .computeIfAbsent(FusedOperator.HASH, hash -> new HashMap<>())
                .put(operator.opName(), operator.getClass());
    }

    @SuppressWarnings("unchecked")
    private static Map<Long, Map<String, Class<?>>> sharedHashTable(
            DifferentialFunctionClassHolder holder) {
        return (Map<Long, Map<String, Class<?>>>)
                privateField(
                        DifferentialFunctionClassHolder.class, "customOpHashToClasses", holder);
    }

    /** Makes graphs that are cloned from now on use an operator of this class. */
    static void register(DynamicCustomOp operator) {
        ImportClassMapping.getOpNameMapping().put(operator.opName(), operator);
        DifferentialFunctionClassHolder holder = DifferentialFunctionClassHolder.getInstance();
        derivedTable(holder).put(operator.opHash(), operator.getClass());
        Class<?> used = holder.customOpClassForHashAndName(operator.opHash(), operator.opName());
        if (used != operator.getClass()) {
            throw new IllegalStateException(
                    "SameDiff differentiates "
                            + operator.opName()
                            + " by "
                            + used
                            + ", not by ours");
        }
    }

    /** There is no other way to it once the process has cloned a graph. */
    @SuppressWarnings("unchecked")
    private static Map<Long, Class<?>> derivedTable(DifferentialFunctionClassHolder holder) {
        return (Map<Long, Class<?>>)
                privateField(DifferentialFunctionClassHolder.class, "customOpHashToClass", holder);
    }

    /**
     * Reads a field that is not ours.
     *
     * @throws IllegalStateException if there is no such field, or the module system forbids it
     */
    static Object privateField(Class<?> declaring, String name, Object object) {
        try {
            Field field = declaring.getDeclaredField(name);
            field.setAccessible(true);
            return field.get(object);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("this is not the SameDiff of 1.0.0-M2.1", e);
        } catch (InaccessibleObjectException | SecurityException e) {
            throw new IllegalStateException(
                    String.format(
                            Locale.ROOT,
                            "SameDiff's gradients cannot be corrected: %s.%s is not accessible;"
                                    + " start Java with --add-opens %s/%s=%s",
                            declaring.getName(),
                            name,
                            declaring.getModule().getName(),
                            declaring.getPackageName(),
                            CorrectedGradients.class.getModule().isNamed()
                                    ? CorrectedGradients.class.getModule().getName()
                                    : "ALL-UNNAMED"),
                    e);
        }
    }

    public static SDVariable multiply(SDVariable a, SDVariable b, Operand right) {
        return new Multiply(a, b, right).outputVariable();
    }

    public static SDVariable add(SDVariable a, SDVariable b, Operand right) {
        return new Add(a, b, right).outputVariable();
    }

    public static SDVariable constantProduct(
            SDVariable x, SDVariable constant, boolean transposed) {
        return new ConstantProduct(x, constant, transposed).outputVariable();
    }

    public static SDVariable sigmoid(SDVariable x) {
        return new Sigmoid(x).outputVariable();
    }

    public static SDVariable stopGradient(SDVariable x) {
        return new StopGradient(x).outputVariable();
    }

    /** Whether an operator is taken for a constant. */
    static boolean stopsGradient(DifferentialFunction operator) {
        return operator.opName().equals(StopGradient.NAME)
                && operator instanceof DynamicCustomOp custom
                && isOurs(custom);
    }

    private static boolean isOurs(DynamicCustomOp operator) {
        return operator.numIArguments() == 1;
    }

    private static Operand rightOperand(DynamicCustomOp operator) {
        return Operand.values()[operator.getIArgument(0).intValue()];
    }

    /**
     * Sums a gradient of the left operand's shape over the axes along which the right operand was
     * broadcast.
     */
    private static SDVariable reduce(SDVariable gradient, Operand right) {
        return switch (right) {
            case SAME_SHAPE -> gradient;
            case PER_COLUMN -> gradient.sum(0);
            case PER_ROW -> gradient.sum(true, 1);
            case CONSTANT -> throw new IllegalArgumentException("a constant has no gradient");
        };
    }

    /**
     * {@code gather} whose gradient counts an index as often as it occurs.
     *
     * <p>The native {@code scatter_add} is told to lock: without, its threads overwrite each
     * other's sums where an index repeats.
     */
    public static final class GatherRows extends Gather {
        @Override
        public List<SDVariable> doDiff(List<SDVariable> gradients) {
            if (jaxis != 0) {
                return super.doDiff(gradients);
            }
            SDVariable zeros = sameDiff.zerosLike(arg(0));
            ScatterAdd sum = new ScatterAdd(sameDiff, zeros, arg(1), gradients.get(0));
            sum.addBArgument(true);
            return List.of(sum.outputVariable());
        }
    }

    /**
     * Differentiates matrix products by matrix products while an action runs; {@code matmul_bp} is
     * wrong where the product has one element.
     */
    public static synchronized void withMatrixProducts(Runnable action) {
        register(new MatrixProduct());
        try {
            action.run();
        } finally {
            register(new ConstantProduct());
        }
    }

    /** {@code matmul} whose gradient is made of two products. */
    public static final class MatrixProduct extends ConstantProduct {
        @Override
        public List<SDVariable> doDiff(List<SDVariable> gradients) {
            if (isOurs()) {
                return super.doDiff(gradients);
            }
            SDVariable a = arg(0);
            SDVariable b = arg(1);
            boolean transposeA = mt.isTransposeA();
            boolean transposeB = mt.isTransposeB();
            boolean transposed = mt.isTransposeResult();
            SDVariable gradient = gradients.get(0);
            return List.of(
                    transposeA
                            ? sameDiff.mmul(b, gradient, transposeB, !transposed, false)
                            : sameDiff.mmul(gradient, b, transposed, !transposeB, false),
                    transposeB
                            ? sameDiff.mmul(gradient, a, !transposed, transposeA, false)
                            : sameDiff.mmul(a, gradient, !transposeA, transposed, false));
        }
    }

    /** {@code multiply} that differentiates as its right operand needs. */
    public static final class Multiply extends MulOp {
        public Multiply() {}

        Multiply(SDVariable a, SDVariable b, Operand right) {
            super(a.getSameDiff(), a, b);
            addIArgument(right.ordinal());
        }

        @Override
        public List<SDVariable> doDiff(List<SDVariable> gradients) {
            if (!isOurs(this)) {
                return super.doDiff(gradients);
            }
            SDVariable gradient = gradients.get(0);
            Operand right = rightOperand(this);
            if (right == Operand.CONSTANT) {
                return List.of(multiply(gradient, arg(1), Operand.CONSTANT));
            }
            SDVariable left = multiply(gradient, arg(1), right);
            return List.of(left, reduce(multiply(gradient, arg(0), Operand.SAME_SHAPE), right));
        }
    }

    /** {@code add} that differentiates as its right operand needs. */
    public static final class Add extends AddOp {
        public Add() {}

        Add(SDVariable a, SDVariable b, Operand right) {
            super(a.getSameDiff(), a, b);
            addIArgument(right.ordinal());
        }

        @Override
        public List<SDVariable> doDiff(List<SDVariable> gradients) {
            if (!isOurs(this)) {
                return super.doDiff(gradients);
            }
            SDVariable gradient = gradients.get(0);
            Operand right = rightOperand(this);
            return right == Operand.CONSTANT
                    ? List.of(gradient)
                    : List.of(gradient, reduce(gradient, right));
        }
    }

    /**
     * {@code matmul} whose right operand, if the operator carries a fourth argument, is a constant:
     * {@code matmul_bp} would compute the constant's gradient too.
     */
    public static class ConstantProduct extends Mmul {
        private static final int ARGUMENTS = 4;
        private static final int TRANSPOSES_RIGHT = 1;

        public ConstantProduct() {}

        ConstantProduct(SDVariable x, SDVariable constant, boolean transposed) {
            super(x.getSameDiff(), x, constant, false, transposed, false);
            addIArgument(0);
        }

        @Override
        public List<SDVariable> doDiff(List<SDVariable> gradients) {
            if (!isOurs()) {
                return super.doDiff(gradients);
            }
            boolean transposed = getIArgument(TRANSPOSES_RIGHT) != 0;
            return List.of(constantProduct(gradients.get(0), arg(1), !transposed));
        }

        final boolean isOurs() {
            return numIArguments() == ARGUMENTS;
        }
    }

    /** {@code identity} with the gradient 0. */
    public static final class StopGradient extends DynamicCustomOp {
        private static final String NAME = "identity";

        public StopGradient() {}

        StopGradient(SDVariable x) {
            super(x.getSameDiff(), x);
            addIArgument(0);
        }

        @Override
        public String opName() {
            return NAME;
        }

        @Override
        public List<DataType> calculateOutputDataTypes(List<DataType> inputs) {
            return inputs;
        }

        @Override
        public List<SDVariable> doDiff(List<SDVariable> gradients) {
            return isOurs(this) ? List.of(sameDiff.zerosLike(arg(0))) : gradients;
        }
    }

    /**
     * {@code sigmoid} whose gradient is made of products; {@code sigmoid_bp} takes four times as
     * long.
     */
    public static final class Sigmoid extends DynamicCustomOp {
        public Sigmoid() {}

        Sigmoid(SDVariable x) {
            super(x.getSameDiff(), x);
        }

        @Override
        public String opName() {
            return "sigmoid";
        }

        @Override
        public List<DataType> calculateOutputDataTypes(List<DataType> inputs) {
            return inputs;
        }

        @Override
        public List<SDVariable> doDiff(List<SDVariable> gradients) {
            SDVariable sigmoid = outputVariable();
            SDVariable slope = multiply(sigmoid, sigmoid.rsub(1.0), Operand.SAME_SHAPE);
            return List.of(multiply(gradients.get(0), slope, Operand.SAME_SHAPE));
        }
    }
}
