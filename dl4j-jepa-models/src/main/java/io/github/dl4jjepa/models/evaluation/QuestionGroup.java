package io.github.dl4jjepa.models.evaluation;

import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.models.chat.ChatModel;
import io.github.dl4jjepa.models.chat.ChatModel.Answer;
import io.github.dl4jjepa.models.generation.GenerationOptions;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/**
 * Questions of an evaluation that a model answers together.
 *
 * @param questions conversations that end with the user's turn
 * @param candidates for each question, conversations that end with an answer whose likelihood is
 *     computed
 * @param maxNewTokens the largest number of tokens of an answer; 0 if nothing is generated
 * @param stopStrings texts that end an answer besides the model's own end of turn
 * @param batchSize how many questions are answered at once
 */
public record QuestionGroup(
        List<Example> questions,
        List<List<Example>> candidates,
        int maxNewTokens,
        List<String> stopStrings,
        int batchSize)
        implements Serializable {
    public QuestionGroup {
        questions = List.copyOf(questions);
        candidates = List.copyOf(candidates);
        stopStrings = List.copyOf(stopStrings);
    }

    /**
     * Lets a model answer, greedily.
     *
     * @return the outcome of each question
     * @throws io.github.dl4jjepa.core.JepaException if the chat template refuses a question, or it
     *     exceeds the model's positions
     */
    public List<Task.Outcome> answeredBy(ChatModel model) {
        List<Answer> answers =
                maxNewTokens == 0 ? List.of() : model.answer(questions, options(model));
        List<ChatModel.Likelihood> likelihoods =
                model.likelihoods(candidates.stream().flatMap(List::stream).toList());
        List<Task.Outcome> outcomes = new ArrayList<>();
        int used = 0;
        for (int i = 0; i < questions.size(); i++) {
            int end = used + candidates.get(i).size();
            List<ChatModel.Likelihood> own = likelihoods.subList(used, end);
            used = end;
            outcomes.add(
                    answers.isEmpty()
                            ? new Task.Outcome("", false, own)
                            : new Task.Outcome(
                                    answers.get(i).text(), answers.get(i).stopped(), own));
        }
        return outcomes;
    }

    private GenerationOptions options(ChatModel model) {
        return model.generationDefaults().toBuilder()
                .optSampled(false)
                .optMinNewTokens(0)
                .optMaxNewTokens(maxNewTokens)
                .optStopStrings(stopStrings)
                .optBatchSize(batchSize)
                .build();
    }
}
