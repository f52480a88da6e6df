package io.github.dl4jjepa.models.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jjepa.core.JepaException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class TasksTest {
    @ParameterizedTest
    @MethodSource("io.github.dl4jjepa.models.evaluation.Tasks#names")
    void findsEachTaskByItsName(String name) {
        assertThat(Tasks.named(name).name()).isEqualTo(name);
    }

    @Test
    void namesTheTasksWhenAskedForAnother() {
        assertThatThrownBy(() -> Tasks.named("nlrx"))
                .isInstanceOf(JepaException.class)
                .hasMessage("there is no task 'nlrx'; the tasks are: nl-rx");
    }

    @Test
    void givesEachTaskANameOfItsOwn() {
        assertThat(Tasks.names()).doesNotHaveDuplicates();
    }
}
