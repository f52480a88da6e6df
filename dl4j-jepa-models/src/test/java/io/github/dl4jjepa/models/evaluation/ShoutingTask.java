package io.github.dl4jjepa.models.evaluation;

import io.github.dl4jjepa.core.view.Example;
import java.util.Locale;

/** A task as a user would write it; named in META-INF/services. */
public final class ShoutingTask implements Task {
    @Override
    public String name() {
        return "shouting";
    }

    @Override
    public int maxNewTokens() {
        return 8;
    }

    @Override
    public Task.Judgment judge(Example example, Task.Outcome outcome) {
        String prediction = outcome.prediction();
        return Task.Judgment.NONE.with(
                "shouted", prediction.equals(prediction.toUpperCase(Locale.ROOT)));
    }
}
