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

    /** B6 of the authors' faults: the task was guessed from the name of the data file. */
    @Test
    void namesTheTasksWhenAskedForAnother() {
        assertThatThrownBy(() -> Tasks.named("datasets/gsm8k_test.jsonl"))
                .isInstanceOf(JepaException.class)
                .hasMessage(
                        "there is no task 'datasets/gsm8k_test.jsonl'; the tasks are: nl-rx, gsm8k,"
                                + " rotten-tomatoes, yelp, nq-open, hellaswag, paraphrase, shouting");
    }

    @Test
    void findsTasksOfTheUserByServiceLoader() {
        assertThat(Tasks.named("shouting")).isInstanceOf(ShoutingTask.class);
    }

    @Test
    void givesEachTaskANameOfItsOwn() {
        assertThat(Tasks.names()).doesNotHaveDuplicates();
    }
}
