package io.github.dl4jjepa.models.evaluation;

import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.models.chat.Likelihood;
import java.util.List;

/**
 * Paraphrases, which the paper pretrains on: there is no right answer, so nothing is generated.
 * {@code loss} is the mean loss of the answers' tokens and their end of turn, as {@code finetune}
 * validates.
 */
public final class ParaphraseTask implements Task {
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
    public Judgment judge(Example example, Outcome outcome) {
        Likelihood likelihood = outcome.likelihoods().get(0);
        return Judgment.NONE.with(
                "loss",
                new Measure(
                        -likelihood.logProbability() - likelihood.endLogProbability(),
                        likelihood.tokens() + 1));
    }
}
