package io.github.dl4jjepa.models.evaluation;

import java.util.List;
import java.util.stream.Stream;

/** Lets the model of an evaluation answer, such as by the executors of a cluster. */
@FunctionalInterface
public interface OutcomeSource {
    /**
     * Answers groups of questions.
     *
     * @param groups the groups, in the order in which one process would answer them
     * @return what {@link QuestionGroup#answeredBy} gives for each, in their order. It is read once
     *     and closed, also before its end if the evaluation breaks off
     * @throws io.github.dl4jjepa.core.JepaException here or while the stream is read, if a group
     *     cannot be answered
     */
    Stream<List<Task.Outcome>> answer(Stream<QuestionGroup> groups);
}
