package io.github.dl4jjepa.models.finetuning;

import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.ExampleEncoder;
import io.github.dl4jjepa.models.huggingface.PretrainedModel;
import io.github.dl4jjepa.models.tokenizer.ChatExampleEncoder;
import io.github.dl4jjepa.models.tokenizer.EncoderOptions;
import io.github.dl4jjepa.models.tokenizer.PlainTextEncoder;
import java.util.List;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What encodes a run's examples.
 *
 * @param encoder the encoder
 * @param padId the token to pad rows with
 * @param endId the token that ends an answer or a text
 * @param truncation says what the encoder has cut so far
 */
record RowEncoder(
        ExampleEncoder encoder,
        int padId,
        int endId,
        Supplier<EncoderOptions.Truncation> truncation) {
    private static final Logger LOG = LoggerFactory.getLogger(RowEncoder.class);

    /**
     * The encoder for a model: with its chat template, or for plain text where it has none.
     *
     * @throws io.github.dl4jjepa.core.JepaException if there is none, and the examples are not
     *     documents and pairs only
     */
    static RowEncoder of(PretrainedModel model, List<Example> examples, EncoderOptions options) {
        if (!model.hasChatTemplate() && examples.stream().allMatch(RowEncoder::needsNoTemplate)) {
            PlainTextEncoder plain = new PlainTextEncoder(model.tokenizer(), options);
            return new RowEncoder(plain, plain.padId(), plain.endId(), plain::truncation);
        }
        ChatExampleEncoder chat = model.encoder(options);
        return new RowEncoder(chat, chat.padId(), chat.endOfTurnId(), chat::truncation);
    }

    private static boolean needsNoTemplate(Example example) {
        return example.plainText() != null || PlainTextEncoder.isPair(example);
    }

    /** Reports what was cut since {@code before}. */
    void report(String data, EncoderOptions.Truncation before) {
        EncoderOptions.Truncation now = truncation.get();
        if (!now.equals(before)) {
            LOG.warn(
                    "{}: {} rows were cut to the maximum length, {} tokens in all; {} examples were"
                            + " left out, because the cut left nothing to learn of them",
                    data,
                    now.rows() - before.rows(),
                    now.tokens() - before.tokens(),
                    now.leftOut() - before.leftOut());
        }
    }
}
