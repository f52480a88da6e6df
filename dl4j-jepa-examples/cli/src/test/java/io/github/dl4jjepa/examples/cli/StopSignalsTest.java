package io.github.dl4jjepa.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class StopSignalsTest {
    @Test
    void theFirstSignalAsksAndASecondInterruptEndsTheProcess() {
        List<Integer> halted = new ArrayList<>();
        try (StopSignals signals = new StopSignals(halted::add)) {
            assertThat(signals.haveArrived()).isFalse();

            signals.arrived(StopSignals.SIGINT);
            assertThat(signals.haveArrived()).isTrue();
            assertThat(halted).isEmpty();

            signals.arrived(StopSignals.SIGINT);
            assertThat(halted).containsExactly(130);
        }
    }

    @Test
    void aRepeatedTerminationLeavesTheStepItsTime() {
        List<Integer> halted = new ArrayList<>();
        try (StopSignals signals = new StopSignals(halted::add)) {
            signals.arrived(StopSignals.SIGTERM);
            signals.arrived(StopSignals.SIGTERM);

            assertThat(halted).isEmpty();
            assertThat(signals.exitCode()).isEqualTo(143);
        }
    }
}
