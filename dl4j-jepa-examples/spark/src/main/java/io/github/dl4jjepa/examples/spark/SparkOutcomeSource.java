package io.github.dl4jjepa.examples.spark;

import io.github.dl4jjepa.models.chat.ChatModel;
import io.github.dl4jjepa.models.chat.ChatReplica;
import io.github.dl4jjepa.models.evaluation.OutcomeSource;
import io.github.dl4jjepa.models.evaluation.QuestionGroup;
import io.github.dl4jjepa.models.evaluation.Task;
import java.io.Serializable;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.apache.spark.api.java.JavaFutureAction;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * Lets the executors of a Spark cluster answer the questions of an evaluation, each a group at a
 * time. A group is answered by one executor as one machine would answer it.
 */
final class SparkOutcomeSource implements OutcomeSource {
    private final JavaSparkContext context;
    private final Work work;

    /**
     * @param replica opens the model on an executor
     */
    SparkOutcomeSource(JavaSparkContext context, ChatReplica replica) {
        this.context = context;
        work = new Work(UUID.randomUUID().toString(), replica);
    }

    /**
     * What a task needs besides the questions.
     *
     * @param run tells evaluations of the same application apart
     * @param replica opens the model
     */
    private record Work(String run, ChatReplica replica) implements Serializable {
        List<Task.Outcome> answer(QuestionGroup group) {
            return LoadedModel.with(run, ChatModel.class, replica::open, group::answeredBy);
        }
    }

    @Override
    public Stream<List<Task.Outcome>> answer(Stream<QuestionGroup> groups) {
        // A job each, all at once: their results arrive one by one, and lines are written in order.
        List<JavaFutureAction<List<List<Task.Outcome>>>> jobs =
                groups.map(
                                group ->
                                        context.parallelize(List.of(group), 1)
                                                .map(work::answer)
                                                .collectAsync())
                        .toList();
        return jobs.stream()
                .map(job -> SparkJob.await(job::get).get(0))
                .onClose(() -> jobs.forEach(job -> job.cancel(true)));
    }
}
