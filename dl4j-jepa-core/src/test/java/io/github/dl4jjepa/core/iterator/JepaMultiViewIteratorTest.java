package io.github.dl4jjepa.core.iterator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.LanguageModelLayout;
import io.github.dl4jjepa.core.view.LayoutKind;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.core.view.SeparateLayout;
import io.github.dl4jjepa.core.view.SequenceEncoder;
import io.github.dl4jjepa.core.view.SharedPrefixLayout;
import io.github.dl4jjepa.core.view.TextTokenizer;
import io.github.dl4jjepa.core.view.TokenizedExample;
import io.github.dl4jjepa.core.view.ViewOptions;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.stream.IntStream;
import org.datavec.api.records.reader.RecordReader;
import org.datavec.api.records.reader.impl.csv.CSVRecordReader;
import org.datavec.api.split.FileSplit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.dataset.api.MultiDataSet;

class JepaMultiViewIteratorTest {
    private static final int EXAMPLES = 10;
    private static final int BATCH = 4;

    @Test
    void withoutASeedKeepsTheOrderOfTheSource() {
        JepaMultiViewIterator batches = iterator().build();

        assertThat(epoch(batches)).containsExactlyElementsOf(sources());
        batches.reset();
        assertThat(epoch(batches)).containsExactlyElementsOf(sources());
    }

    @Test
    void everyEpochHasEveryExampleOnceInAnOrderOfItsOwn() {
        JepaMultiViewIterator batches = iterator().optSeed(42).build();

        List<String> first = epoch(batches);
        batches.reset();
        List<String> second = epoch(batches);

        assertThat(first).containsExactlyInAnyOrderElementsOf(sources()).isNotEqualTo(sources());
        assertThat(second).containsExactlyInAnyOrderElementsOf(sources()).isNotEqualTo(first);
    }

    @Test
    void theOrderDependsOnTheSeed() {
        List<String> order = epoch(iterator().optSeed(42).build());

        assertThat(epoch(iterator().optSeed(42).build())).isEqualTo(order);
        assertThat(epoch(iterator().optSeed(43).build())).isNotEqualTo(order);
    }

    @Test
    void theLastBatchOfAnEpochIsSmaller() {
        JepaMultiViewIterator batches =
                iterator().optSeed(1).optForm(MultiDataSetForm.ARRAYS).build();

        List<Integer> sizes = new ArrayList<>();
        batches.forEachRemaining(batch -> sizes.add(batch.getLabels(3).toIntVector().length));

        assertThat(sizes).containsExactly(4, 4, 2);
        assertThat(batches.batchesPerEpoch()).isEqualTo(3);
        assertThat(batches.examples()).isEqualTo(EXAMPLES);
    }

    @ParameterizedTest
    @CsvSource({"1, 10", "5, 2", "9, 2", "10, 1", "11, 1", "2147483647, 1"})
    void countsTheBatchesOfAnEpoch(int batchSize, int expected) {
        JepaMultiViewIterator batches = iterator().setBatchSize(batchSize).build();

        int walked = 0;
        for (; batches.hasNext(); walked++) {
            batches.nextBatch();
        }

        assertThat(batches.batchesPerEpoch()).isEqualTo(expected).isEqualTo(walked);
    }

    @Test
    void anEpochThatIsAtItsEndGivesNothing() {
        JepaMultiViewIterator batches = iterator().build();
        epoch(batches);

        assertThatThrownBy(batches::nextBatch)
                .isInstanceOf(NoSuchElementException.class)
                .hasMessageContaining("epoch 0");
        assertThatThrownBy(batches::next).isInstanceOf(NoSuchElementException.class);
    }

    @Test
    void aBatchWithoutViewsHasTheSameExamples() {
        JepaMultiViewIterator with = iterator().optSeed(42).build();
        JepaMultiViewIterator without = iterator().optSeed(42).build();
        while (with.hasNext()) {
            MultiViewBatch whole = with.nextBatch();
            MultiViewBatch conversations = without.nextBatchWithoutViews();
            assertThat(conversations.sources()).isEqualTo(whole.sources());
            assertThat(conversations.pairs()).isZero();
            assertThat(conversations.inputIds().size(0)).isEqualTo(whole.sources().size());
            assertThat(conversations.labelIds()).isEqualTo(whole.labelIds());
        }
        assertThat(without.hasNext()).isFalse();
    }

    @Test
    void groupingByLengthNeedsASeed() {
        assertThatThrownBy(() -> iterator().optGroupByLength(true).build())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("optSeed");
    }

    @Test
    void groupedBatchesAreSoughtLikeOthers() {
        JepaMultiViewIterator walked = iterator().optSeed(42).optGroupByLength(true).build();
        List<String> first = epoch(walked);
        assertThat(first).containsExactlyInAnyOrderElementsOf(sources());
        JepaMultiViewIterator sought = iterator().optSeed(42).optGroupByLength(true).build();
        sought.seek(0, 1);
        assertThat(epoch(sought)).isEqualTo(first.subList(BATCH, EXAMPLES));
    }

    @Test
    void seekGoesWhereWalkingWouldHaveGone() {
        JepaMultiViewIterator walked = iterator().optSeed(42).build();
        for (int epoch = 0; epoch < 3; epoch++) {
            for (int batch = 0; batch < walked.batchesPerEpoch(); batch++) {
                JepaMultiViewIterator sought = iterator().optSeed(42).build();
                sought.seek(epoch, batch);

                assertThat(sought.nextBatch()).isEqualTo(walked.nextBatch());
            }
            walked.reset();
        }
    }

    @Test
    void seekGoesBack() {
        JepaMultiViewIterator batches = iterator().optSeed(42).build();
        MultiViewBatch first = batches.nextBatch();
        batches.seek(5, 2);
        batches.nextBatch();

        batches.seek(0, 0);

        assertThat(batches.nextBatch()).isEqualTo(first);
    }

    @Test
    void seekToTheEndOfAnEpochWaitsForTheNext() {
        JepaMultiViewIterator batches = iterator().optSeed(42).build();
        batches.seek(1, 0);
        List<String> second = epoch(batches);

        batches.seek(0, batches.batchesPerEpoch());

        assertThat(batches.hasNext()).isFalse();
        batches.reset();
        assertThat(epoch(batches)).isEqualTo(second);
    }

    @ParameterizedTest
    @CsvSource({"-1, 0", "0, -1", "0, 4"})
    void refusesToSeekABatchThatIsNone(int epoch, int batch) {
        JepaMultiViewIterator batches = iterator().build();

        assertThatIllegalArgumentException()
                .isThrownBy(() -> batches.seek(epoch, batch))
                .withMessageContaining("an epoch has 3 batches");
    }

    @Test
    void resetBeforeAnythingIsUsedSkipsNoEpoch() {
        List<String> first = epoch(iterator().optSeed(42).build());
        JepaMultiViewIterator batches = iterator().optSeed(42).build();

        batches.reset();
        batches.reset();

        assertThat(epoch(batches)).isEqualTo(first);
    }

    @Test
    void resetInMidEpochBeginsTheNext() {
        JepaMultiViewIterator batches = iterator().optSeed(42).build();
        batches.nextBatch();
        batches.reset();

        JepaMultiViewIterator second = iterator().optSeed(42).build();
        second.seek(1, 0);

        assertThat(epoch(batches)).isEqualTo(epoch(second));
    }

    @Test
    void everyKindOfSourceHasASecondEpoch(@TempDir Path folder) throws Exception {
        Path csv = Files.writeString(folder.resolve("a.csv"), "a,b\nc,d\n");
        Path lines = folder.resolve("a.jsonl");
        Files.writeString(
                lines,
                """
                {"messages": [{"role": "user", "content": "a"}, \
                {"role": "assistant", "content": "b"}]}
                """);
        RecordReader records = new CSVRecordReader();
        records.initialize(new FileSplit(csv.toFile()));
        RecordExampleReader csvReader =
                RecordExampleReader.builder(records).setText(0).setCode(1).build();

        for (ExampleSource source :
                List.of(new JsonLinesReader(lines), csvReader, ExampleSource.of(examples()))) {
            JepaMultiViewIterator batches = iterator().setExamples(source).build();
            List<String> first = epoch(batches);
            batches.reset();
            assertThat(epoch(batches)).isEqualTo(first).isNotEmpty();
        }
    }

    @Test
    void givesTheSameArraysToDeeplearning4j() {
        MultiViewBatch batch = iterator().optSeed(42).build().nextBatch();

        MultiDataSet data = iterator().optSeed(42).optForm(MultiDataSetForm.ARRAYS).build().next();

        assertThat(MultiViewBatch.of(data)).isEqualTo(batch);
    }

    @Test
    void nextTakesAsManyExamplesAsItIsAskedFor() {
        JepaMultiViewIterator batches = iterator().build();

        assertThat(batches.next(7).getExampleMetaData(String.class))
                .containsExactlyElementsOf(sources().subList(0, 7));
        assertThat(batches.nextBatch().sources())
                .containsExactlyElementsOf(sources().subList(7, 10));
    }

    @Test
    void refusesABatchWithoutExamples() {
        assertThatIllegalArgumentException().isThrownBy(() -> iterator().build().next(0));
    }

    @Test
    void thePreProcessorSeesEveryBatch() {
        JepaMultiViewIterator batches =
                iterator().optPreProcessor(data -> data.getFeatures(0).addi(100)).build();

        assertThat(batches.next().getFeatures(0).getInt(0, 0)).isEqualTo(101);
        assertThat(batches.nextBatch().inputIds().getInt(0, 0)).isEqualTo(101);
        batches.setPreProcessor(null);
        assertThat(batches.nextBatch().inputIds().getInt(0, 0)).isEqualTo(1);
        assertThat(batches.getPreProcessor()).isNull();
    }

    @Test
    void canBeReset() {
        assertThat(iterator().build().resetSupported()).isTrue();
    }

    @Test
    void goesOnAfterSerialization() throws Exception {
        JepaMultiViewIterator batches = iterator().optSeed(42).build();
        batches.nextBatch();

        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(batches);
        }
        ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()));
        JepaMultiViewIterator copy = (JepaMultiViewIterator) in.readObject();

        assertThat(epoch(copy)).isEqualTo(epoch(batches));
    }

    @Test
    void tellsHowReadingGoes() {
        List<Integer> progress = new ArrayList<>();

        iterator().optProgress(progress::add).build();

        assertThat(progress)
                .containsExactlyElementsOf(IntStream.rangeClosed(1, EXAMPLES).boxed().toList());
    }

    @Test
    void listsWhatReaderEncoderAndLayoutRefuse(@TempDir Path folder) throws IOException {
        String good =
                "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"},"
                        + " {\"role\": \"assistant\", \"content\": \"b\"}]}\n";
        String tooLong = good.replace("\"a\"", "\"" + "a ".repeat(12) + "\"");
        Path file = Files.writeString(folder.resolve("a.jsonl"), good + "{\n" + tooLong + good);

        assertThatThrownBy(() -> iterator().setExamples(new JsonLinesReader(file)).build())
                .isInstanceOf(JepaException.class)
                .hasMessageStartingWith(
                        "2 examples cannot be used:\n  " + file + ":2: the line ends")
                .hasMessageEndingWith("\n  " + file + ":3: the row is too long; shorten it");
    }

    @Test
    void refusesBeforeTrainingAnExampleThatTheLayoutCannotLayOut() {
        WhitespaceEncoder encoder = new WhitespaceEncoder();

        assertThatThrownBy(
                        () ->
                                iterator()
                                        .setExamples(examples().subList(3, 4))
                                        .setEncoder(example -> oneView(encoder.encode(example)))
                                        .build())
                .isInstanceOf(JepaException.class)
                .hasMessageStartingWith("train.jsonl:4: the JEPA term compares two views or more");
    }

    @Test
    void stopsReadingAtTheTenthFault() {
        List<String> encoded = new ArrayList<>();
        List<Example> many = new ArrayList<>(examples());
        many.addAll(examples());

        assertThatThrownBy(
                        () ->
                                iterator()
                                        .setExamples(many)
                                        .setEncoder(
                                                example -> {
                                                    encoded.add(example.source());
                                                    throw new JepaException("no");
                                                })
                                        .build())
                .isInstanceOf(JepaException.class)
                .hasMessageStartingWith("10 examples cannot be used, and there may be more");
        assertThat(encoded).hasSize(10);
    }

    @Test
    void refusesAnEmptyDataSet() {
        assertThatThrownBy(() -> iterator().setExamples(List.of()).build())
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("the data set is empty");
    }

    @Test
    void readsTheSourceOnceOnly() {
        List<Integer> readings = new ArrayList<>();
        ExampleSource source =
                (examples, faults) -> {
                    readings.add(1);
                    examples().forEach(examples);
                };
        JepaMultiViewIterator batches = iterator().setExamples(source).build();

        epoch(batches);
        batches.reset();
        epoch(batches);

        assertThat(readings).hasSize(1);
    }

    @ParameterizedTest
    @CsvSource({
        "setEncoder",
        "setExamples",
        "setLayout",
        "setBatchSize",
        "setPadId",
    })
    void requiresEachSetting(String missing) {
        JepaMultiViewIterator.Builder builder = JepaMultiViewIterator.builder();
        if (!missing.equals("setEncoder")) {
            builder.setEncoder(new WhitespaceEncoder());
        }
        if (!missing.equals("setExamples")) {
            builder.setExamples(examples());
        }
        if (!missing.equals("setLayout")) {
            builder.setLayout(new LanguageModelLayout());
        }
        if (!missing.equals("setBatchSize")) {
            builder.setBatchSize(BATCH);
        }
        if (!missing.equals("setPadId")) {
            builder.setPadId(0);
        }

        assertThatIllegalStateException()
                .isThrownBy(builder::build)
                .withMessageStartingWith(missing + " is required");
    }

    @Test
    void refusesAPaddingIdOutsideTheVocabulary() {
        assertThatIllegalStateException()
                .isThrownBy(() -> iterator().setEncoder(words(0, 1, 6)).setPadId(8).build())
                .withMessage("setPadId is 8, the vocabulary has ids below 8");
    }

    @Test
    void refusesAPredictorOutsideTheVocabulary() {
        assertThatThrownBy(
                        () ->
                                iterator()
                                        .setEncoder(words(0, 1, 7))
                                        .setExamples(pairs("a b", "c"))
                                        .setLayout(new SeparateLayout(ViewOptions.predictors(8)))
                                        .build())
                .isInstanceOf(JepaException.class)
                .hasMessageStartingWith(
                        "pairs:1: a row has the token id 8, the vocabulary has 0 to 7; [PRED]");
    }

    @ParameterizedTest
    @EnumSource
    void refusesAPredictorThatIsAWord(LayoutKind layout) {
        assertThatThrownBy(
                        () ->
                                iterator()
                                        .setEncoder(words(0, 1, 7))
                                        .setExamples(pairs("a b", "c"))
                                        .setLayout(layout.of(ViewOptions.predictors(5)))
                                        .build())
                .isInstanceOf(JepaException.class)
                .hasMessageStartingWith("pairs:1: the [PRED] id 5 is also a token of a view");
    }

    @Test
    void refusesASeparatorThatIsAWord() {
        assertThatThrownBy(
                        () ->
                                iterator()
                                        .setEncoder(words(4, 1, 7))
                                        .setExamples(pairs("a b", "c"))
                                        .build())
                .isInstanceOf(JepaException.class)
                .hasMessageStartingWith("pairs:1: the id 4 of the separator or of the end");
    }

    @Test
    void refusesASeparatorOutsideTheVocabulary() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> words(8, 1, 7))
                .withMessageStartingWith("the separator token has the id 8");
    }

    @Test
    void theFormFollowsFromTheLayout() {
        assertThat(iterator().build().next().getFeatures()).hasSize(1);
        assertThat(iterator().setLayout(new LanguageModelLayout()).build().next().getFeatures())
                .hasSize(1);
        ViewOptions options = ViewOptions.predictors(9);
        assertThat(iterator().setLayout(LayoutKind.BLOCK.of(options)).build().next().getFeatures())
                .hasSize(4);
        assertThat(iterator().setLayout(new SharedPrefixLayout(options)).build().next().getLabels())
                .hasSize(1);
    }

    @Test
    void pairsOfOneTargetShareAnAnswerInEveryLayout() {
        for (ViewOptions.Direction direction : ViewOptions.Direction.values()) {
            for (int[] predictors : new int[][] {{}, {9}}) {
                ViewOptions options =
                        ViewOptions.builder()
                                .optPredictorIds(predictors)
                                .optDirection(direction)
                                .build();
                for (LayoutKind layout : LayoutKind.values()) {
                    int[] answers =
                            iterator()
                                    .setExamples(pairs("t", "c", "t", "d", "u", "c"))
                                    .setLayout(layout.of(options))
                                    .build()
                                    .nextBatch()
                                    .answerIds()
                                    .toIntVector();
                    boolean forward = direction == ViewOptions.Direction.FORWARD;
                    assertThat(answers[0] == answers[1])
                            .as("%s %s", layout, options)
                            .isEqualTo(!forward);
                    assertThat(answers[0] == answers[2])
                            .as("%s %s", layout, options)
                            .isEqualTo(forward);
                }
            }
        }
    }

    /** Words a to d have the ids 3 to 6; the last id is the unknown word's. */
    private static SequenceEncoder words(int separator, int end, int unknown) {
        return new SequenceEncoder(
                TextTokenizer.of(
                        text -> List.of(text.split(" ")),
                        Map.of("a", 3, "b", 4, "c", 5, "d", 6),
                        Math.max(unknown, 7)),
                separator,
                end,
                16);
    }

    private static List<Example> pairs(String... texts) {
        return IntStream.range(0, texts.length / 2)
                .mapToObj(
                        i ->
                                Example.conversation(
                                        "pairs:" + (i + 1),
                                        List.of(
                                                new Message(Message.USER, texts[2 * i]),
                                                new Message(Message.ASSISTANT, texts[2 * i + 1]))))
                .toList();
    }

    private static TokenizedExample oneView(TokenizedExample example) {
        return new TokenizedExample(
                example.source(), example.ids(), example.labels(), example.views().subList(0, 1));
    }

    private static JepaMultiViewIterator.Builder iterator() {
        return JepaMultiViewIterator.builder()
                .setEncoder(new WhitespaceEncoder())
                .setExamples(examples())
                .setLayout(new SeparateLayout(ViewOptions.predictors(9)))
                .setBatchSize(BATCH)
                .setPadId(0);
    }

    private static List<Example> examples() {
        return IntStream.rangeClosed(1, EXAMPLES)
                .mapToObj(
                        i ->
                                Example.conversation(
                                        "train.jsonl:" + i,
                                        List.of(
                                                new Message(Message.USER, "t" + " u".repeat(i % 3)),
                                                new Message(Message.ASSISTANT, "c" + i))))
                .toList();
    }

    private static List<String> sources() {
        return examples().stream().map(Example::source).toList();
    }

    private static List<String> epoch(JepaMultiViewIterator batches) {
        List<String> sources = new ArrayList<>();
        while (batches.hasNext()) {
            sources.addAll(batches.nextBatch().sources());
        }
        return sources;
    }
}
