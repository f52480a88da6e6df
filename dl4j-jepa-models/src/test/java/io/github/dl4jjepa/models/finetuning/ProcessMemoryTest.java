package io.github.dl4jjepa.models.finetuning;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jjepa.models.internal.ProcessMemory;
import org.junit.jupiter.api.Test;

class ProcessMemoryTest {
    @Test
    void isInBytes() {
        long resident = ProcessMemory.residentBytes();

        assertThat(resident).isBetween(20L << 20, 200L << 30);
        assertThat(ProcessMemory.peakBytes()).isGreaterThanOrEqualTo(resident);
    }
}
