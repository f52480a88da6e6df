package io.github.dl4jjepa.models.evaluation;

import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import java.util.List;

/** Questions with answers. */
final class Examples {
    private Examples() {}

    static Example of(String question, String answer) {
        return Example.conversation(
                "test.jsonl:1",
                List.of(
                        new Message(Message.USER, question),
                        new Message(Message.ASSISTANT, answer)));
    }

    static Task.Judgment judge(Task task, String answer, String prediction) {
        return task.judge(of("question", answer), new Task.Outcome(prediction, true));
    }
}
