package io.github.dl4jjepa.core.internal.samediff;

import java.nio.IntBuffer;
import java.util.List;

/**
 * Adds rows to those of a table, in the table's own memory: {@code table[ids[i]] += rows[i]}.
 *
 * <p>{@link Schedule} puts it in the place of {@code table + scatter_add(zeros, ids, rows)}, which
 * is how the two gradients of a tied embedding are added up: that goes through three arrays of the
 * table's size to change a few hundred rows.
 */
final class AddedRows extends FusedOperator {
    @Override
    public String opName() {
        return "dl4j_jepa_added_rows";
    }

    @Override
    public int getNumOutputs() {
        return 1;
    }

    @Override
    List<long[]> outputShapes(Tensor[] inputs) {
        return List.of(inputs[0].shape());
    }

    @Override
    Runnable kernel(Tensor[] inputs, Tensor[] outputs) {
        int width = width(inputs[0]);
        FloatMemory table = outputs[0].floats();
        IntBuffer ids = integers(inputs[1]);
        FloatMemory rows = inputs[2].floats();
        int count = rows(inputs[2]);
        return () -> {
            VectorLoops.Scratch scratch = VectorLoops.Scratch.get();
            float[] sum = scratch.block(0, VectorLoops.BLOCK);
            float[] row = scratch.block(1, VectorLoops.BLOCK);
            for (int i = 0; i < count; i++) {
                long target = (long) ids.get(i) * width;
                long source = (long) i * width;
                for (int j = 0; j < width; j += VectorLoops.BLOCK) {
                    int n = Math.min(VectorLoops.BLOCK, width - j);
                    table.get(target + j, sum, n);
                    rows.get(source + j, row, n);
                    VectorLoops.add(sum, row, n);
                    table.put(target + j, sum, n);
                }
            }
        };
    }
}
