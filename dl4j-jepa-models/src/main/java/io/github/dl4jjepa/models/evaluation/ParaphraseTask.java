package io.github.dl4jjepa.models.evaluation;

import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.models.chat.ChatModel;
import java.util.List;

/**
 * Paraphrases, which the paper pretrains on: there is no right answer, so nothing is generated.
 * {@code loss} is the mean loss of the answers' tokens and their end of turn, as {@code finetune}
 * validates.
 */
final class ParaphraseTask implements Task {
    @Override
    public String name() {
        return "paraphrase";
    }

    @Override
    public int maxNewTokens() {
        return 0;
    }

    @Override
    public List<Example> candidates(Example example) {
        return List.of(example);
    }

    @Override
    public Task.Judgment judge(Example example, Task.Outcome outcome) {
        ChatModel.Likelihood likelihood = outcome.likelihoods().get(0);
        return Task.Judgment.NONE.with(
                "loss",
                new Task.Measure(
                        -likelihood.logProbability() - likelihood.endLogProbability(),
                        likelihood.tokens() + 1));
    }
}
