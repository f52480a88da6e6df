package io.github.dl4jjepa.examples.spark;

import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.models.chat.ChatModel;
import io.github.dl4jjepa.models.chat.ChatReplica;
import io.github.dl4jjepa.models.evaluation.Score;
import io.github.dl4jjepa.models.evaluation.Task;
import io.github.dl4jjepa.models.evaluation.TaskEvaluation;
import io.github.dl4jjepa.models.evaluation.Tasks;
import io.github.dl4jjepa.models.tokenizer.ChatTemplate;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.spark.api.java.JavaSparkContext;
import org.jspecify.annotations.Nullable;

/**
 * What an evaluation leaves.
 *
 * @param score what it counts
 * @param predictions the lines of its output file
 */
record EvaluatedRun(Score score, List<String> predictions) {
    /**
     * Evaluates, four questions in each group.
     *
     * @param context executors that answer, or null for this process
     */
    static EvaluatedRun of(
            String task, Path model, Path data, Path output, @Nullable JavaSparkContext context)
            throws IOException {
        Task judge = Tasks.named(task);
        List<Example> examples = judge.examples(data).readAll();
        try (ChatModel chat = ChatModel.open(model.toString())) {
            Score score =
                    TaskEvaluation.builder()
                            .setModel(chat)
                            .setTask(judge)
                            .optBatchSize(1)
                            .optMaxNewTokens(6)
                            .optOutput(output)
                            .optOutcomeSource(
                                    context == null
                                            ? null
                                            : new SparkOutcomeSource(context, replica(chat)))
                            .build()
                            .run(examples);
            return new EvaluatedRun(score, Files.readAllLines(output));
        }
    }

    static ChatReplica replica(ChatModel chat) {
        return new ChatReplica(chat.folder(), ChatTemplate.Options.DEFAULT);
    }
}
