package io.github.dl4jjepa.examples.dl4j;

import io.github.dl4jjepa.core.iterator.JepaMultiViewIterator;
import io.github.dl4jjepa.core.iterator.MultiDataSetForm;
import io.github.dl4jjepa.core.objective.InfoNce;
import io.github.dl4jjepa.core.objective.JepaLoss;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.ops.Ops;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.SeparateLayout;
import io.github.dl4jjepa.core.view.SequenceEncoder;
import io.github.dl4jjepa.core.view.TextTokenizer;
import io.github.dl4jjepa.core.view.ViewOptions;
import io.github.dl4jjepa.examples.data.RegexGrammar;
import java.util.List;
import org.nd4j.autodiff.listeners.impl.ScoreListener;
import org.nd4j.autodiff.listeners.records.History;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.weightinit.impl.XavierInitScheme;

/**
 * A SameDiff graph of one's own, here an average over the letters so far and two dense layers, with
 * the JEPA term added to its loss, trained by {@code sd.fit}.
 *
 * <pre>
 * java -cp dl4j-jepa-examples/target/jepa.jar io.github.dl4jjepa.examples.dl4j.Ex3PlainSameDiff
 * </pre>
 */
public final class Ex3PlainSameDiff {
    private static final int WIDTH = 64;
    private static final int MAX_LETTERS = 200;

    private Ex3PlainSameDiff() {}

    /** Trains. */
    public static void main(String[] args) {
        History history = train(RegexGrammar.examples(400, 42), 3);
        System.out.println("Losses, epoch by epoch: " + history.lossCurve().getLossValues());
    }

    static History train(List<Example> pairs, int epochs) {
        TextTokenizer tokenizer = Tokens.letters(pairs).tokenizer();
        int vocabulary = tokenizer.vocabularySize();
        JepaMultiViewIterator batches =
                JepaMultiViewIterator.builder()
                        .setEncoder(
                                new SequenceEncoder(
                                        tokenizer, Tokens.SEPARATOR, Tokens.END, MAX_LETTERS))
                        .setExamples(pairs)
                        .setLayout(new SeparateLayout(ViewOptions.predictors(Tokens.PREDICTOR)))
                        .setBatchSize(8)
                        .setPadId(Tokens.PADDING)
                        .optSeed(42)
                        .optForm(MultiDataSetForm.ARRAYS)
                        .build();

        // 1. Your graph: from token ids [rows, time] to hidden states [rows * time, width].
        SameDiff sd = SameDiff.create();
        SDVariable ids = sd.placeHolder("input_ids", DataType.INT32, -1, -1);
        SDVariable embedding =
                sd.var(
                        "embedding",
                        new XavierInitScheme('c', vocabulary, WIDTH),
                        DataType.FLOAT,
                        vocabulary,
                        WIDTH);
        SDVariable hidden = hiddenStates(sd, ids, embedding);

        // 2. Your language-model loss: the mean cross entropy of the labeled tokens. Ops has
        //    what SameDiff gets wrong when it differentiates: gather and cross entropy.
        SDVariable labelIds = sd.placeHolder("label_ids", DataType.INT32, -1);
        SDVariable labeled =
                Ops.gather(hidden, sd.placeHolder("label_indices", DataType.INT32, -1));
        SDVariable logits = Ops.linear(labeled, embedding);
        SDVariable languageModel =
                Ops.crossEntropySum(logits, labelIds, vocabulary)
                        .div(sd.sizeAt(labelIds, 0).castTo(DataType.FLOAT));

        // The iterator has these too; this graph does without.
        sd.placeHolder("position_ids", DataType.INT32, -1, -1);
        sd.placeHolder("segment_ids", DataType.INT32, -1, -1);
        sd.placeHolder("prefix_ids", DataType.INT32, -1, -1);

        // 3. The JEPA term, last of all.
        JepaLoss loss =
                JepaLoss.attach(
                        hidden,
                        languageModel,
                        JepaObjective.builder()
                                .optLambda(0.1)
                                .optDistance(InfoNce.symmetric(0.1))
                                .build());

        // 4. Training as ever.
        sd.setTrainingConfig(
                TrainingConfig.builder()
                        .updater(new Adam(3e-3))
                        .dataSetFeatureMapping(
                                "input_ids", "position_ids", "segment_ids", "prefix_ids")
                        .dataSetLabelMapping(
                                "label_indices",
                                "label_ids",
                                loss.names().predictionIndices(),
                                loss.names().targetIndices(),
                                loss.names().answerIds())
                        .build());
        return sd.fit(batches, epochs, new ScoreListener(20));
    }

    /** Mean of the embeddings up to each token, beside its own, through two dense layers. */
    private static SDVariable hiddenStates(SameDiff sd, SDVariable ids, SDVariable embedding) {
        SDVariable tokens = Ops.gather(embedding, ids.reshape(-1));
        SDVariable rows = sd.sizeAt(ids, 0);
        SDVariable time = sd.sizeAt(ids, 1);
        SDVariable width = sd.constant((long) WIDTH);
        // A triangular matrix of averages: SameDiff's own cumsum has a wrong gradient.
        SDVariable positions =
                sd.range(sd.constant(0L), time, sd.constant(1L), DataType.INT64)
                        .castTo(DataType.FLOAT);
        SDVariable averages =
                sd.gte(positions.reshape(-1, 1), positions.reshape(1, -1))
                        .castTo(DataType.FLOAT)
                        .div(positions.add(1).reshape(-1, 1));
        SDVariable byTime =
                tokens.reshape(sd.stack(0, rows, time, width))
                        .permute(1, 0, 2)
                        .reshape(sd.stack(0, time, rows.mul(width)));
        SDVariable history =
                averages.mmul(byTime)
                        .reshape(sd.stack(0, time, rows, width))
                        .permute(1, 0, 2)
                        .reshape(-1, WIDTH);
        SDVariable both = sd.concat(1, tokens, history);
        SDVariable inner = sd.math().tanh(Ops.linear(both, weight(sd, "inner", 2 * WIDTH)));
        return Ops.linear(inner, weight(sd, "outer", WIDTH));
    }

    private static SDVariable weight(SameDiff sd, String name, int inputs) {
        return sd.var(
                name, new XavierInitScheme('c', inputs, WIDTH), DataType.FLOAT, WIDTH, inputs);
    }
}
