package io.github.dl4jjepa.models.evaluation;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.models.chat.ChatModel;
import io.github.dl4jjepa.models.internal.FileHash;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Lets a model answer a data set's questions, greedily, and judges the answers.
 *
 * <pre>{@code
 * Score score = TaskEvaluation.builder()
 *         .setModel(model)
 *         .setTask(Tasks.named("gsm8k"))
 *         .optOutput(Path.of("predictions.jsonl"))
 *         .build()
 *         .run(examples);
 * Share right = score.share("exact_match"); // value(), lower(), upper()
 * }</pre>
 *
 * <p>Everything that can be wrong with an example is found before the first answer. Prompts are
 * never cut. Questions of similar length are answered together. An output file gets one JSON line
 * for each example, with what was generated and how it was judged; an evaluation that broke off is
 * continued with {@link Builder#optResume}.
 *
 * <p>Not for use by several threads at once.
 */
public final class TaskEvaluation {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** So many batches are generated together, since rows that are done make room for others. */
    private static final int BATCHES_TOGETHER = 4;

    private static final int FAULTS_SHOWN = 10;

    private final ChatModel model;
    private final Task task;
    private final int batchSize;
    private final int maxNewTokens;
    private final @Nullable PredictionsFile output;
    private final boolean resume;
    private final IntConsumer progress;
    private final OutcomeSource source;

    private TaskEvaluation(Builder builder) {
        model = builder.model;
        task = builder.task;
        batchSize = builder.batchSize;
        boolean overrides = builder.maxNewTokens > 0 && task.maxNewTokens() > 0;
        maxNewTokens = overrides ? builder.maxNewTokens : task.maxNewTokens();
        output = builder.output == null ? null : new PredictionsFile(builder.output);
        resume = builder.resume;
        progress = builder.progress;
        source = builder.source == null ? groups -> groups.map(this::answer) : builder.source;
    }

    /** Begins the settings of an evaluation. */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Answers and judges.
     *
     * @param examples conversations that end with the right answer
     * @return the counts of all judgments
     * @throws JepaException if an example cannot be judged or answered, or the output file is there
     *     already, or cannot be resumed
     */
    public Score run(List<Example> examples) {
        return score(examples, outcomes(examples));
    }

    /** Judges what the model made of examples. */
    Score score(List<Example> examples, List<Task.Outcome> outcomes) {
        Score score = Score.NONE;
        for (int i = 0; i < examples.size(); i++) {
            score = score.plus(task.judge(examples.get(i), outcomes.get(i)));
        }
        return score;
    }

    /** Answers, as {@link #run} does. */
    List<Task.Outcome> outcomes(List<Example> examples) {
        requireOutput();
        List<int[]> prompts = prompts(examples);
        Task.Outcome[] outcomes = new Task.Outcome[examples.size()];
        begin(prompts, examples).forEach((index, outcome) -> outcomes[index] = outcome);
        List<Integer> open =
                IntStream.range(0, outcomes.length)
                        .filter(index -> outcomes[index] == null)
                        .boxed()
                        // The longest first: memory that is not enough is noticed at once.
                        .sorted(
                                Comparator.comparingInt(
                                        (Integer index) -> -prompts.get(index).length))
                        .toList();
        List<List<Integer>> parts = parts(open);
        int done = outcomes.length - open.size();
        progress.accept(done);
        Stream<QuestionGroup> groups =
                parts.stream().map(part -> group(part.stream().map(examples::get).toList()));
        try (Stream<List<Task.Outcome>> answered = source.answer(groups)) {
            Iterator<List<Task.Outcome>> next = answered.iterator();
            for (List<Integer> part : parts) {
                List<Task.Outcome> found = next.next();
                for (int i = 0; i < part.size(); i++) {
                    int index = part.get(i);
                    outcomes[index] = found.get(i);
                    if (output != null) {
                        Example example = examples.get(index);
                        output.append(
                                index, example, found.get(i), task.judge(example, found.get(i)));
                    }
                }
                done += part.size();
                progress.accept(done);
            }
        }
        if (output != null) {
            output.finish();
        }
        return List.of(outcomes);
    }

    /** Divides examples into those that are answered together. */
    private List<List<Integer>> parts(List<Integer> open) {
        List<List<Integer>> parts = new ArrayList<>();
        int together = BATCHES_TOGETHER * batchSize;
        for (int start = 0; start < open.size(); start += together) {
            parts.add(open.subList(start, Math.min(start + together, open.size())));
        }
        return parts;
    }

    /**
     * Checks that examples can be answered and judged; {@link #run} does so, too.
     *
     * @throws JepaException if one cannot
     */
    public void check(List<Example> examples) {
        prompts(examples);
    }

    private void requireOutput() {
        if (output != null) {
            if (resume) {
                output.requireUnfinished();
            } else {
                output.requireVacant();
            }
        }
    }

    /** Checks all examples. */
    private List<int[]> prompts(List<Example> examples) {
        List<int[]> prompts = new ArrayList<>();
        List<String> faults = new ArrayList<>();
        for (Example example : examples) {
            try {
                prompts.add(prompt(example));
            } catch (JepaException e) {
                faults.add(e.getMessage());
            }
        }
        if (faults.size() == 1) {
            throw new JepaException(faults.get(0));
        }
        if (!faults.isEmpty()) {
            throw new JepaException(
                    faults.size()
                            + " of "
                            + examples.size()
                            + " examples cannot be evaluated:\n"
                            + String.join(
                                    "\n",
                                    faults.subList(0, Math.min(FAULTS_SHOWN, faults.size()))));
        }
        return prompts;
    }

    private int[] prompt(Example example) {
        List<Message> messages = example.messages();
        if (messages.size() < 2
                || !messages.get(messages.size() - 1).role().equals(Message.ASSISTANT)) {
            throw new JepaException(
                    example.source()
                            + ": an example must be a question and its answer, which is the"
                            + " assistant's turn");
        }
        task.check(example);
        int[] prompt = model.encodePrompt(example.withoutAnswer(), maxNewTokens);
        model.checkLikelihoods(task.candidates(example));
        return prompt;
    }

    private SortedMap<Integer, Task.Outcome> begin(List<int[]> prompts, List<Example> examples) {
        if (output == null) {
            return new TreeMap<>();
        }
        JsonNode settings = settings(prompts, examples);
        if (resume) {
            return output.resume(settings, examples.size());
        }
        output.begin(settings);
        return new TreeMap<>();
    }

    /** What the outcomes depend on. */
    private JsonNode settings(List<int[]> prompts, List<Example> examples) {
        ObjectNode settings = JSON.createObjectNode().put("task", task.name());
        ObjectNode weights = settings.putObject("model");
        model.folder()
                .weightFiles()
                .forEach((name, file) -> weights.put(name, FileHash.sha256(file)));
        settings.put("prompts", hash(prompts, examples))
                .put("maximum_of_new_tokens", maxNewTokens)
                .put("stop_strings", String.join("\u0000", task.stopStrings()))
                .set(
                        "generation_config",
                        model.folder().generationConfig().orElse(JSON.createObjectNode()));
        return settings;
    }

    private static String hash(List<int[]> prompts, List<Example> examples) {
        MessageDigest digest = FileHash.digest();
        for (int i = 0; i < prompts.size(); i++) {
            ByteBuffer ids = ByteBuffer.allocate(Integer.BYTES * (prompts.get(i).length + 1));
            ids.putInt(prompts.get(i).length);
            ids.asIntBuffer().put(prompts.get(i));
            digest.update(ids.array());
            digest.update(Answers.gold(examples.get(i)).getBytes(StandardCharsets.UTF_8));
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private QuestionGroup group(List<Example> examples) {
        return new QuestionGroup(
                examples.stream().map(Example::withoutAnswer).toList(),
                examples.stream().map(task::candidates).toList(),
                maxNewTokens,
                task.stopStrings(),
                batchSize);
    }

    private List<Task.Outcome> answer(QuestionGroup group) {
        return group.answeredBy(model);
    }

    /** Collects the settings of a {@link TaskEvaluation}. */
    public static final class Builder {
        /** The largest number of questions answered at once, unless said otherwise. */
        public static final int DEFAULT_BATCH_SIZE = 16;

        private ChatModel model;
        private Task task;
        private int batchSize = DEFAULT_BATCH_SIZE;
        private int maxNewTokens;
        private @Nullable Path output;
        private boolean resume;
        private IntConsumer progress = done -> {};
        private @Nullable OutcomeSource source;

        @SuppressWarnings("NullAway.Init") // what is required is set before build()
        private Builder() {}

        /** Sets what answers. */
        public Builder setModel(ChatModel model) {
            this.model = Objects.requireNonNull(model, "model");
            return this;
        }

        /** Sets what judges. */
        public Builder setTask(Task task) {
            this.task = Objects.requireNonNull(task, "task");
            return this;
        }

        /**
         * Sets how many questions are answered at once (default: {@value #DEFAULT_BATCH_SIZE}).
         *
         * @param size 1 or more
         */
        public Builder optBatchSize(int size) {
            if (size < 1) {
                throw new IllegalArgumentException("the batch size must be 1 or more, not " + size);
            }
            batchSize = size;
            return this;
        }

        /**
         * Sets the largest number of tokens of an answer (default: the task's). A task that
         * generates nothing ignores it.
         *
         * @param tokens 0 for the task's
         */
        public Builder optMaxNewTokens(int tokens) {
            if (tokens < 0) {
                throw new IllegalArgumentException(
                        "the number of new tokens must be 0 or more, not " + tokens);
            }
            maxNewTokens = tokens;
            return this;
        }

        /**
         * Keeps every outcome in a file (default: none).
         *
         * @param file a new file, which gets a JSON line for each example
         */
        public Builder optOutput(@Nullable Path file) {
            output = file;
            return this;
        }

        /**
         * Continues the evaluation whose output file is there, but not complete (default: false).
         * Model, task and data must be those that it was begun with.
         */
        public Builder optResume(boolean resume) {
            this.resume = resume;
            return this;
        }

        /**
         * Sets a progress callback (default: none).
         *
         * @param progress is given the number of examples done
         */
        public Builder optProgress(IntConsumer progress) {
            this.progress = Objects.requireNonNull(progress, "progress");
            return this;
        }

        /**
         * Sets where questions are answered (default: by the model in this process).
         *
         * @param source answers by the same model; null for the default
         */
        public Builder optOutcomeSource(@Nullable OutcomeSource source) {
            this.source = source;
            return this;
        }

        /**
         * The evaluation, which has not begun.
         *
         * @throws IllegalStateException if model or task are missing, or there is no output to
         *     resume
         */
        public TaskEvaluation build() {
            if (model == null || task == null) {
                throw new IllegalStateException("setModel and setTask are required");
            }
            if (resume && output == null) {
                throw new IllegalStateException("optResume needs optOutput, the file to continue");
            }
            return new TaskEvaluation(this);
        }
    }
}
