package io.github.dl4jjepa.core.iterator;

import static io.github.dl4jjepa.core.SharedData.data;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The files of the paper's tasks, where they are; docs/data.md has the same figures. */
class SharedDataTest {
    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "gsm8k_test, 1319, 0, 0",
        "hellaswag_test, 2000, 2, 0",
        "nq_open_test, 1769, 0, 0",
        "nq_open_train, 8000, 0, 0",
        "rotten_tomatoes_test, 1066, 0, 0",
        "rotten_tomatoes_train, 8530, 0, 0",
        "spider_test, 1447, 0, 1",
        "spider_train, 6587, 0, 5",
        "synth_test, 2000, 0, 9",
        "synth_train, 8000, 0, 89",
        "turk_test, 2000, 0, 0",
        "turk_train, 8000, 0, 1",
        "yelp_test, 2000, 0, 0",
    })
    void everyRowOfTheFileIsRead(String name, int rows, int views, int repeated) {
        List<Example> examples = new ExampleFile(data(name + ".jsonl")).readAll();

        assertThat(examples).hasSize(rows);
        assertThat(examples).allSatisfy(example -> assertThat(example.views()).hasSize(views));
        assertThat(examples)
                .extracting(example -> example.messages().stream().map(Message::role).toList())
                .containsOnly(List.of(Message.SYSTEM, Message.USER, Message.ASSISTANT));
        Set<List<Message>> distinct =
                examples.stream()
                        .map(Example::messages)
                        .collect(Collectors.toCollection(HashSet::new));
        assertThat(rows - distinct.size()).isEqualTo(repeated);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "nq_open, 0, 0",
        "rotten_tomatoes, 0, 0",
        "spider, 3, 2",
        "synth, 39, 39",
        "turk, 68, 0",
    })
    void questionsOfTheTestFileThatAreInTheTrainingFileAreKnown(
            String name, int questions, int withTheSameAnswer) {
        List<Example> training = new ExampleFile(data(name + "_train.jsonl")).readAll();
        List<Example> test = new ExampleFile(data(name + "_test.jsonl")).readAll();
        Set<String> asked =
                training.stream().map(SharedDataTest::question).collect(Collectors.toSet());
        Set<List<Message>> answered =
                training.stream().map(Example::messages).collect(Collectors.toSet());

        assertThat(test.stream().filter(example -> asked.contains(question(example))))
                .hasSize(questions);
        assertThat(test.stream().filter(example -> answered.contains(example.messages())))
                .hasSize(withTheSameAnswer);
    }

    private static String question(Example example) {
        return example.messages().get(1).content();
    }
}
