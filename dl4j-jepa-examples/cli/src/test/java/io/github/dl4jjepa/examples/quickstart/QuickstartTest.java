package io.github.dl4jjepa.examples.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jjepa.core.training.TrainerListener;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class QuickstartTest {
    private static final TrainerListener NOBODY = new TrainerListener() {};

    @Test
    void trainsThreeArmsAndEvaluatesEachOnTheHeldOutPairs() {
        List<String> report = new ArrayList<>();
        Quickstart.Result result =
                new Quickstart(report::add, 40, 4, 5).run(NOBODY, NOBODY, NOBODY);

        assertThat(result.plain().jepaLoss()).isNull();
        assertThat(result.jepa().jepaLoss()).isBetween(0.0, 2.0);
        assertThat(result.infoNce().jepaLoss()).isPositive();
        assertThat(result.infoNce().lambda()).isEqualTo(0.1);
        for (Quickstart.Arm arm : List.of(result.plain(), result.jepa(), result.infoNce())) {
            assertThat(arm.lmLoss()).isPositive();
            assertThat(arm.pairedCosine()).isBetween(-1.0, 1.0);
            assertThat(arm.unpairedCosine()).isBetween(-1.0, 1.0);
            assertThat(arm.retrievalAt1()).isIn(0.0, 0.25, 0.5, 0.75, 1.0);
        }
        assertThat(result.folder().resolve("jepa/model.safetensors")).exists();
        assertThat(result.folder().resolve("plain-predictions.jsonl")).content().hasLineCount(4);
        assertThat(report).anyMatch(line -> line.startsWith("JEPA, InfoNCE "));
    }
}
