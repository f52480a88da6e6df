package io.github.dl4jjepa.core.internal.samediff;

import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SCRATCHPAD;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_WEIGHTS;
import static org.bytedeco.dnnl.global.dnnl.dnnl_cpu;
import static org.bytedeco.dnnl.global.dnnl.dnnl_engine_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_f32;
import static org.bytedeco.dnnl.global.dnnl.dnnl_matmul_desc_init;
import static org.bytedeco.dnnl.global.dnnl.dnnl_memory_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_memory_desc_get_size;
import static org.bytedeco.dnnl.global.dnnl.dnnl_memory_desc_init_by_strides;
import static org.bytedeco.dnnl.global.dnnl.dnnl_memory_destroy;
import static org.bytedeco.dnnl.global.dnnl.dnnl_memory_set_data_handle;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_attr_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_attr_set_scratchpad_mode;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_desc_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_desc_destroy;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_desc_query_md;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_destroy;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_execute;
import static org.bytedeco.dnnl.global.dnnl.dnnl_query_scratchpad_md;
import static org.bytedeco.dnnl.global.dnnl.dnnl_scratchpad_mode_user;
import static org.bytedeco.dnnl.global.dnnl.dnnl_sgemm;
import static org.bytedeco.dnnl.global.dnnl.dnnl_stream_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_stream_default_flags;

import org.bytedeco.dnnl.const_dnnl_op_desc_t;
import org.bytedeco.dnnl.dnnl_engine;
import org.bytedeco.dnnl.dnnl_exec_arg_t;
import org.bytedeco.dnnl.dnnl_matmul_desc_t;
import org.bytedeco.dnnl.dnnl_memory;
import org.bytedeco.dnnl.dnnl_memory_desc_t;
import org.bytedeco.dnnl.dnnl_primitive;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.dnnl_stream;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Matrix products by oneDNN. To be touched only through {@link MatrixProducts}: without the
 * optional library this class cannot be loaded.
 */
final class OneDnn {
    private static final dnnl_engine ENGINE = new dnnl_engine();
    private static final dnnl_stream STREAM = new dnnl_stream();
    private static final dnnl_primitive_attr ATTRIBUTES = new dnnl_primitive_attr();

    /** Memory that products need while they run, of the thread that runs them. */
    private static final ThreadLocal<BytePointer> SCRATCH = new ThreadLocal<>();

    static {
        require(dnnl_engine_create(ENGINE, dnnl_cpu, 0));
        require(dnnl_stream_create(STREAM, ENGINE, dnnl_stream_default_flags));
        require(dnnl_primitive_attr_create(ATTRIBUTES));
        // A scratchpad of its own would tie a product to the thread that made it.
        require(dnnl_primitive_attr_set_scratchpad_mode(ATTRIBUTES, dnnl_scratchpad_mode_user));
    }

    private OneDnn() {}

    /** Does nothing; throws a {@link LinkageError} if there is no library. */
    static void load() {}

    private static void require(int status) {
        if (status != 0) {
            throw new IllegalStateException("oneDNN reports status " + status);
        }
    }

    /** Binds a product of matrices, or of as many matrices each. */
    static BoundOperator product(Matrices a, Matrices b, Matrices result) {
        return new Product(a, b, result);
    }

    /** As {@link TileProduct} says. */
    static void multiply(
            boolean transposesA,
            boolean transposesB,
            TileProduct.Tile a,
            TileProduct.Tile b,
            TileProduct.Tile result,
            int m,
            int n,
            int k,
            boolean adds) {
        require(
                dnnl_sgemm(
                        (byte) (transposesA ? 'T' : 'N'),
                        (byte) (transposesB ? 'T' : 'N'),
                        m,
                        n,
                        k,
                        1,
                        a.data(),
                        a.rowStride(),
                        b.data(),
                        b.rowStride(),
                        adds ? 1 : 0,
                        result.data(),
                        result.rowStride()));
    }

    private static dnnl_memory_desc_t description(Matrices matrices) {
        dnnl_memory_desc_t description = new dnnl_memory_desc_t();
        boolean single = matrices.count() == 1;
        long[] shape = {matrices.count(), matrices.rows(), matrices.columns()};
        long[] strides = {matrices.stride(), matrices.rowStride(), matrices.columnStride()};
        require(
                dnnl_memory_desc_init_by_strides(
                        description,
                        single ? 2 : 3,
                        single ? new long[] {shape[1], shape[2]} : shape,
                        dnnl_f32,
                        single ? new long[] {strides[1], strides[2]} : strides));
        return description;
    }

    private static dnnl_memory memory(dnnl_memory_desc_t description, Pointer data) {
        dnnl_memory memory = new dnnl_memory();
        require(dnnl_memory_create(memory, description, ENGINE, data));
        return memory;
    }

    private static final class Product implements BoundOperator {
        private final dnnl_primitive_desc description = new dnnl_primitive_desc();
        private final dnnl_primitive primitive = new dnnl_primitive();
        private final dnnl_memory[] memories = new dnnl_memory[4];
        private final dnnl_exec_arg_t arguments = new dnnl_exec_arg_t(4);
        private final long scratchBytes;

        Product(Matrices a, Matrices b, Matrices result) {
            dnnl_memory_desc_t ofA = description(a);
            dnnl_memory_desc_t ofB = description(b);
            dnnl_memory_desc_t ofResult = description(result);
            dnnl_matmul_desc_t product = new dnnl_matmul_desc_t();
            require(dnnl_matmul_desc_init(product, ofA, ofB, null, ofResult));
            require(
                    dnnl_primitive_desc_create(
                            description,
                            new const_dnnl_op_desc_t(product),
                            ATTRIBUTES,
                            ENGINE,
                            (dnnl_primitive_desc) null));
            require(dnnl_primitive_create(primitive, description));
            dnnl_memory_desc_t ofScratch =
                    dnnl_primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0);
            scratchBytes = dnnl_memory_desc_get_size(ofScratch);
            memories[0] = memory(ofA, a.data());
            memories[1] = memory(ofB, b.data());
            memories[2] = memory(ofResult, result.data());
            memories[3] = memory(ofScratch, null);
            int[] kinds = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST, DNNL_ARG_SCRATCHPAD};
            for (int i = 0; i < kinds.length; i++) {
                arguments.position(i).arg(kinds[i]).memory(memories[i]);
            }
            arguments.position(0);
        }

        @Override
        public void run() {
            if (scratchBytes > 0) {
                require(dnnl_memory_set_data_handle(memories[3], scratch(scratchBytes)));
            }
            // The processor's stream runs at once.
            require(dnnl_primitive_execute(primitive, STREAM, memories.length, arguments));
        }

        private static BytePointer scratch(long bytes) {
            BytePointer scratch = SCRATCH.get();
            if (scratch == null || scratch.capacity() < bytes) {
                if (scratch != null) {
                    scratch.close();
                }
                scratch = new BytePointer(bytes);
                SCRATCH.set(scratch);
            }
            return scratch;
        }

        @Override
        public void close() {
            for (dnnl_memory memory : memories) {
                require(dnnl_memory_destroy(memory));
            }
            require(dnnl_primitive_destroy(primitive));
            require(dnnl_primitive_desc_destroy(description));
        }
    }
}
