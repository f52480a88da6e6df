package io.github.dl4jjepa.core.iterator;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.ExampleEncoder;
import io.github.dl4jjepa.core.view.LanguageModelLayout;
import io.github.dl4jjepa.core.view.Row;
import io.github.dl4jjepa.core.view.SeparateLayout;
import io.github.dl4jjepa.core.view.TokenizedExample;
import io.github.dl4jjepa.core.view.ViewLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.MultiDataSetPreProcessor;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/**
 * Batches of multi-view examples, for Deeplearning4j's own training and for ours.
 *
 * <pre>{@code
 * JepaMultiViewIterator batches =
 *         JepaMultiViewIterator.builder()
 *                 .setEncoder(encoder)
 *                 .setExamples(new JsonLinesReader(Path.of("train.jsonl")))
 *                 .setLayout(new SharedPrefixLayout(ViewOptions.predictors(predictorId)))
 *                 .setBatchSize(4)
 *                 .setPadId(padId)
 *                 .optSeed(42)
 *                 .build();
 * }</pre>
 *
 * <p>All examples are read, tokenized and checked when the iterator is built; from then on it holds
 * token ids only. An epoch gives every example once; its last batch may be smaller. With a seed
 * each epoch has an order of its own that seed and epoch alone decide, so that {@link #seek} goes
 * to any batch of any epoch exactly.
 *
 * <p>{@link #next()} gives the arrays of {@link #nextBatch()} in the {@link MultiDataSetForm} of
 * the builder's choice. Not safe for use by several threads at once.
 */
public final class JepaMultiViewIterator implements MultiDataSetIterator, BatchSource {
    private static final long serialVersionUID = 1L;
    private static final ViewLayout CONVERSATION = new LanguageModelLayout();

    private final TokenizedExample[] examples;
    private final ViewLayout layout;
    private final int batchSize;
    private final int padId;
    private final @Nullable Long seed;
    private final MultiDataSetForm form;

    /** Of the examples' longest rows, where batches are grouped by length, or null. */
    private final int @Nullable [] lengths;

    @SuppressWarnings(
            "serial") // most preprocessors are serializable, though their interface is not
    private @Nullable MultiDataSetPreProcessor preProcessor;

    private int epoch;
    private int[] order;
    private int used;

    private JepaMultiViewIterator(Builder builder, List<TokenizedExample> examples) {
        this.examples = examples.toArray(TokenizedExample[]::new);
        layout = builder.layout;
        batchSize = builder.batchSize;
        padId = builder.padId;
        seed = builder.seed;
        form = builder.form();
        lengths =
                builder.groupByLength
                        ? examples.stream().mapToInt(this::longestRow).toArray()
                        : null;
        preProcessor = builder.preProcessor;
        seek(0, 0);
    }

    /** Starts an iterator. */
    public static Builder builder() {
        return new Builder();
    }

    /** Whether the epoch has another batch. */
    @Override
    public boolean hasNext() {
        return used < examples.length;
    }

    /**
     * The next batch of the epoch.
     *
     * @throws NoSuchElementException if the epoch has no more; {@link #reset()} begins the next
     */
    @Override
    public MultiViewBatch nextBatch() {
        return MultiViewBatch.of(next(batchSize, layout, MultiDataSetForm.ARRAYS));
    }

    @Override
    public MultiViewBatch nextBatchWithoutViews() {
        return MultiViewBatch.of(next(batchSize, CONVERSATION, MultiDataSetForm.ARRAYS));
    }

    /**
     * The next batch of the epoch, in the form that the builder was told.
     *
     * @throws NoSuchElementException if the epoch has no more; {@link #reset()} begins the next
     */
    @Override
    public MultiDataSet next() {
        return next(batchSize);
    }

    /**
     * A batch of the epoch's next examples, however many a batch has otherwise.
     *
     * @param size how many examples; fewer where the epoch ends
     * @throws NoSuchElementException if the epoch has no more; {@link #reset()} begins the next
     */
    @Override
    public MultiDataSet next(int size) {
        return next(size, layout, form);
    }

    private MultiDataSet next(int size, ViewLayout rows, MultiDataSetForm form) {
        MultiDataSet batch = form.of(take(size, rows, form));
        if (preProcessor != null) {
            preProcessor.preProcess(batch);
        }
        return batch;
    }

    /** How many examples an epoch has. */
    public int examples() {
        return examples.length;
    }

    /** Batches in an epoch, the same in each. */
    @Override
    public int batchesPerEpoch() {
        return (examples.length - 1) / batchSize + 1;
    }

    /**
     * Goes to a batch of an epoch; the order of an epoch depends on seed and epoch alone.
     *
     * @param epoch the epoch, from 0
     * @param batch how many of its batches to pass over; with all of them the epoch is at its end
     */
    @Override
    public void seek(int epoch, int batch) {
        if (epoch < 0 || batch < 0 || batch > batchesPerEpoch()) {
            throw new IllegalArgumentException(
                    "no batch "
                            + batch
                            + " in epoch "
                            + epoch
                            + ": an epoch has "
                            + batchesPerEpoch()
                            + " batches, counted from 0");
        }
        if (order == null || epoch != this.epoch) {
            order = orderOf(epoch);
        }
        this.epoch = epoch;
        used = (int) Math.min((long) batch * batchSize, examples.length);
    }

    /**
     * Begins the next epoch, whether or not this one is at its end.
     *
     * <p>Where nothing of the epoch has been used yet, nothing happens: trainers that reset an
     * iterator before they start, as Deeplearning4j's do, skip no epoch.
     */
    @Override
    public void reset() {
        if (used > 0) {
            seek(epoch + 1, 0);
        }
    }

    @Override
    public boolean resetSupported() {
        return true;
    }

    /**
     * Whether Deeplearning4j may make batches ahead in a thread of its own: it may not. That thread
     * dies of an exception without a word, and {@code fit} waits for its next batch for ever. A
     * batch is made of token ids in memory, in a small part of the time of its training step.
     */
    @Override
    public boolean asyncSupported() {
        return false;
    }

    /**
     * Sets what each batch goes through before it is given out.
     *
     * @param preProcessor null for nothing
     */
    @Override
    public void setPreProcessor(@Nullable MultiDataSetPreProcessor preProcessor) {
        this.preProcessor = preProcessor;
    }

    @Override
    public @Nullable MultiDataSetPreProcessor getPreProcessor() {
        return preProcessor;
    }

    private MultiViewBatch take(int size, ViewLayout rows, MultiDataSetForm form) {
        if (size < 1) {
            throw new IllegalArgumentException("a batch has 1 example or more, not " + size);
        }
        if (!hasNext()) {
            throw new NoSuchElementException(
                    "epoch " + epoch + " is at its end; reset() begins the next");
        }
        int end = used + Math.min(size, examples.length - used);
        List<TokenizedExample> batch =
                Arrays.stream(order, used, end).mapToObj(i -> examples[i]).toList();
        used = end;
        MultiViewBatch laidOut = MultiViewBatch.of(batch, rows, padId);
        return form == MultiDataSetForm.ARRAYS ? laidOut : ShapeBuckets.fill(laidOut);
    }

    private int[] orderOf(int epoch) {
        if (seed == null) {
            return IntStream.range(0, examples.length).toArray();
        }
        return lengths == null
                ? EpochOrder.shuffled(examples.length, seed, epoch)
                : EpochOrder.groupedByLength(lengths, batchSize, seed, epoch);
    }

    private int longestRow(TokenizedExample example) {
        return layout.rows(example).stream()
                .map(Row::ids)
                .mapToInt(ids -> ids.length)
                .max()
                .orElseThrow();
    }

    /** Gathers the settings, then reads and checks the examples. */
    public static final class Builder {
        private ExampleEncoder encoder;
        private ExampleSource source;
        private ViewLayout layout;
        private int batchSize;
        private int padId = -1;
        private @Nullable Long seed;
        private boolean groupByLength;
        private Pairing pairs = Pairing.MATCHED;
        private @Nullable MultiDataSetForm form;
        private @Nullable MultiDataSetPreProcessor preProcessor;
        private IntConsumer progress = read -> {};

        @SuppressWarnings("NullAway.Init") // build() requires encoder, source and layout
        private Builder() {}

        /**
         * Sets what turns text into token ids.
         *
         * @param encoder the tokenizer and chat format of the model
         */
        public Builder setEncoder(ExampleEncoder encoder) {
            this.encoder = encoder;
            return this;
        }

        /**
         * Sets where the examples come from.
         *
         * @param source read once, by {@link #build()}
         */
        public Builder setExamples(ExampleSource source) {
            this.source = source;
            return this;
        }

        /**
         * Sets the examples.
         *
         * @param examples the data set, or one side of an {@link ExampleSplit}
         */
        public Builder setExamples(List<Example> examples) {
            return setExamples(ExampleSource.of(examples));
        }

        /**
         * Sets how views are laid out in rows.
         *
         * @param layout the layout; {@link io.github.dl4jjepa.core.view.LanguageModelLayout} where
         *     lambda is 0
         */
        public Builder setLayout(ViewLayout layout) {
            this.layout = layout;
            return this;
        }

        /**
         * Sets how many examples a batch has; its rows are more, as many as the layout makes.
         *
         * @param batchSize 1 or more
         */
        public Builder setBatchSize(int batchSize) {
            this.batchSize = batchSize;
            return this;
        }

        /**
         * Sets the token that fills rows up to the longest of their batch.
         *
         * @param padId an id of the vocabulary; best one that is no end token
         */
        public Builder setPadId(int padId) {
            this.padId = padId;
            return this;
        }

        /**
         * Shuffles each epoch (default: the order of the source, in each epoch).
         *
         * @param seed decides, with the number of the epoch, its order
         */
        public Builder optSeed(long seed) {
            this.seed = seed;
            return this;
        }

        /**
         * Puts examples of like length into a batch, so that little of it is padding (default:
         * batches as the shuffled order has them). The batches come in random order. Needs {@link
         * #optSeed}.
         *
         * @param groupByLength whether to do so
         */
        public Builder optGroupByLength(boolean groupByLength) {
            this.groupByLength = groupByLength;
            return this;
        }

        /**
         * Says which views are compared with which (default: {@link Pairing#MATCHED}). The seed of
         * {@link #optSeed}, 0 without it, decides how {@link Pairing#SHUFFLED} pairs them.
         *
         * @param pairs another than the default for a control
         */
        public Builder optPairs(Pairing pairs) {
            this.pairs = Objects.requireNonNull(pairs, "pairs");
            return this;
        }

        /**
         * Sets the form in which {@link JepaMultiViewIterator#next()} gives batches (default:
         * {@link MultiDataSetForm#SEQUENCE} with a layout that gives each view a row of its own,
         * {@link MultiDataSetForm#PACKED} with others). In both, rows are filled up to one of 16
         * lengths an octave, so that a network meets few shapes. SameDiff's {@code fit} needs
         * {@link MultiDataSetForm#ARRAYS}; {@code JepaTrainer} takes any.
         *
         * @param form what the network reads
         */
        public Builder optForm(MultiDataSetForm form) {
            this.form = Objects.requireNonNull(form, "form");
            return this;
        }

        /**
         * Sets what each batch goes through before it is given out (default: nothing).
         *
         * @param preProcessor may change the arrays, not their order
         */
        public Builder optPreProcessor(MultiDataSetPreProcessor preProcessor) {
            this.preProcessor = preProcessor;
            return this;
        }

        /**
         * Sets who is told how reading goes (default: nobody).
         *
         * @param progress called after each example with the number of examples read so far
         */
        public Builder optProgress(IntConsumer progress) {
            this.progress = progress;
            return this;
        }

        /**
         * Reads, tokenizes and checks all examples.
         *
         * @throws IllegalStateException if a setting is missing or out of its range
         * @throws JepaException if the source is empty or examples of it cannot be used; the
         *     message lists the first ten, each with its place
         */
        public JepaMultiViewIterator build() {
            require(encoder != null, "setEncoder is required");
            require(source != null, "setExamples is required");
            require(layout != null, "setLayout is required");
            require(batchSize > 0, "setBatchSize is required, with 1 example or more");
            require(padId >= 0, "setPadId is required, with an id of the vocabulary");
            require(
                    padId < encoder.vocabularySize(),
                    "setPadId is "
                            + padId
                            + ", the vocabulary has ids below "
                            + encoder.vocabularySize());
            require(
                    !groupByLength || seed != null,
                    "optGroupByLength needs optSeed: it is a way to shuffle");
            require(
                    form != MultiDataSetForm.SEQUENCE || isOfSeparateRows(),
                    "MultiDataSetForm.SEQUENCE needs a SeparateLayout, which gives each view a row of"
                            + " its own: a body that reads a row from left to right cannot keep"
                            + " views of one row apart");
            List<TokenizedExample> examples = new ArrayList<>();
            Faults faults = new Faults();
            source.read(
                    example -> {
                        try {
                            examples.addAll(encode(example));
                        } catch (JepaException fault) {
                            faults.accept(fault);
                        }
                        progress.accept(examples.size());
                    },
                    faults);
            faults.throwIfAny();
            if (examples.isEmpty()) {
                throw new JepaException("the data set is empty; it needs one example or more");
            }
            return new JepaMultiViewIterator(this, paired(examples));
        }

        private List<TokenizedExample> paired(List<TokenizedExample> examples) {
            if (pairs == Pairing.MATCHED) {
                return examples;
            }
            List<TokenizedExample> paired = pairs.pair(examples, seed == null ? 0 : seed);
            paired.forEach(layout::rows);
            return paired;
        }

        /** Refuses here, not in mid-training, an example that cannot be laid out. */
        private List<TokenizedExample> encode(Example example) {
            List<TokenizedExample> encoded = encoder.encodeAll(example);
            encoded.forEach(this::requireKnownIds);
            return encoded;
        }

        private void requireKnownIds(TokenizedExample encoded) {
            int vocabulary = encoder.vocabularySize();
            layout.rows(encoded).stream()
                    .flatMapToInt(row -> IntStream.of(row.ids()))
                    .filter(id -> id < 0 || id >= vocabulary)
                    .findFirst()
                    .ifPresent(
                            id -> {
                                throw new JepaException(
                                        encoded.source()
                                                + ": a row has the token id "
                                                + id
                                                + ", the vocabulary has 0 to "
                                                + (vocabulary - 1)
                                                + "; [PRED] tokens and others without text need an"
                                                + " entry in the vocabulary too");
                            });
        }

        private MultiDataSetForm form() {
            if (form != null) {
                return form;
            }
            return isOfSeparateRows() ? MultiDataSetForm.SEQUENCE : MultiDataSetForm.PACKED;
        }

        private boolean isOfSeparateRows() {
            return layout instanceof SeparateLayout || layout instanceof LanguageModelLayout;
        }

        private static void require(boolean given, String message) {
            if (!given) {
                throw new IllegalStateException(message);
            }
        }
    }
}
