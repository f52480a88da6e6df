package io.github.dl4jjepa.models.decoder;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jjepa.core.iterator.BatchSource;
import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.objective.ViewProbe;
import io.github.dl4jjepa.core.view.SharedPrefixLayout;
import io.github.dl4jjepa.core.view.TokenSpan;
import io.github.dl4jjepa.core.view.TokenizedExample;
import io.github.dl4jjepa.core.view.TokenizedView;
import io.github.dl4jjepa.core.view.ViewOptions;
import io.github.dl4jjepa.models.Fixtures;
import io.github.dl4jjepa.models.generation.GenerationOptions;
import io.github.dl4jjepa.models.generation.Generator;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.huggingface.DecoderLoader;
import io.github.dl4jjepa.models.safetensors.SafetensorsCheckpoint;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

class ViewProbeTest {
    private static final int END = 2;

    private final TransformerDecoder decoder =
            DecoderLoader.load(CheckpointFolder.open(Fixtures.model("llama")));

    private ViewProbe.Reading read(List<TokenizedExample> examples) {
        try (ViewProbe probe = new ViewProbe(decoder, new Batches(examples))) {
            return probe.read();
        }
    }

    /** Two examples to a batch. */
    private static final class Batches implements BatchSource {
        private final List<TokenizedExample> examples;
        private int next;

        Batches(List<TokenizedExample> examples) {
            this.examples = examples;
        }

        @Override
        public int batchesPerEpoch() {
            return (examples.size() + 1) / 2;
        }

        @Override
        public void seek(int epoch, int batch) {
            next = 2 * batch;
        }

        @Override
        public MultiViewBatch nextBatch() {
            List<TokenizedExample> batch =
                    examples.subList(next, Math.min(next + 2, examples.size()));
            next += 2;
            return MultiViewBatch.of(batch, new SharedPrefixLayout(ViewOptions.predictors()), 0);
        }

        @Override
        public MultiViewBatch nextBatchWithoutViews() {
            throw new UnsupportedOperationException();
        }
    }

    private static TokenizedExample example(int[] text, int[] code) {
        int[] ids = IntStream.concat(Arrays.stream(text), Arrays.stream(code)).toArray();
        ids = IntStream.concat(Arrays.stream(ids), IntStream.of(END)).toArray();
        return new TokenizedExample(
                "test",
                ids,
                new TokenSpan(text.length, ids.length),
                List.of(
                        TokenizedView.inRow(ids, new TokenSpan(0, text.length)),
                        TokenizedView.inRow(ids, new TokenSpan(text.length, ids.length - 1))));
    }

    private static int[] real(int[] ids, int[] mask) {
        return Arrays.copyOf(ids, Arrays.stream(mask).sum());
    }

    @Test
    void readsTheEmbeddingsThatTransformersHas() {
        SafetensorsCheckpoint golden =
                SafetensorsCheckpoint.open(Fixtures.model("llama").resolve("golden.safetensors"));
        int[][] text = golden.read("text_ids").toIntMatrix();
        int[][] textMask = golden.read("text_mask").toIntMatrix();
        int[][] code = golden.read("code_ids").toIntMatrix();
        int[][] codeMask = golden.read("code_mask").toIntMatrix();
        List<TokenizedExample> examples = new ArrayList<>();
        for (int i = 0; i < text.length; i++) {
            examples.add(example(real(text[i], textMask[i]), real(code[i], codeMask[i])));
        }
        ViewProbe.Reading reading = read(examples);
        assertClose(reading.views().text(), golden.read("enc_text"));
        assertClose(reading.views().code(), golden.read("enc_code"));
    }

    private static void assertClose(INDArray actual, INDArray golden) {
        INDArray expected = golden.castTo(DataType.DOUBLE);
        assertThat(actual.distance2(expected))
                .isLessThan(1e-5 * expected.norm2Number().doubleValue());
    }

    @Test
    void anAnswerIsRightWhereGreedyDecodingGivesIt() {
        int[] prompt = {7, 9, 7, 11};
        int[] continuation;
        try (Generator generator = new Generator(decoder)) {
            continuation =
                    generator
                            .generate(
                                    List.of(prompt),
                                    GenerationOptions.builder().optMaxNewTokens(4).build())
                            .get(0)
                            .ids();
        }
        // The model goes on with its own token, and with END nowhere: right, but never ended.
        assertThat(continuation).doesNotContain(END);
        ViewProbe.Reading unended =
                read(
                        List.of(
                                example(prompt, continuation),
                                example(prompt, new int[] {continuation[0] ^ 1}),
                                example(prompt, Arrays.copyOf(continuation, 2))));
        assertThat(unended.answers().content()).isEqualTo(2.0 / 3);
        assertThat(unended.answers().exact()).isZero();
        assertThat(unended.answers().stops()).isZero();

        int[] two = Arrays.copyOf(continuation, 2);
        assertThat(two[1]).isNotEqualTo(two[0]);
        ViewProbe.Reading ended =
                read(
                        List.of(
                                endingWith(prompt, two),
                                endingWith(prompt, new int[] {two[0] ^ 1, two[1]})));
        assertThat(ended.answers().exact()).isEqualTo(0.5);
        assertThat(ended.answers().content()).isEqualTo(0.5);
    }

    /** An example whose answer's last token is the one that ends it. */
    private static TokenizedExample endingWith(int[] prompt, int[] answer) {
        int[] ids = IntStream.concat(Arrays.stream(prompt), Arrays.stream(answer)).toArray();
        return new TokenizedExample(
                "test",
                ids,
                new TokenSpan(prompt.length, ids.length),
                List.of(
                        TokenizedView.inRow(ids, new TokenSpan(0, prompt.length)),
                        TokenizedView.inRow(ids, new TokenSpan(prompt.length, ids.length))));
    }
}
