package io.github.dl4jjepa.models.evaluation;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.models.chat.ChatModel;
import io.github.dl4jjepa.models.chat.ChatModel.Answer;
import java.io.IOException;
import java.io.Writer;
import java.util.List;
import java.util.function.IntConsumer;

/**
 * Lets a model answer a data set's questions, and judges the answers.
 *
 * <p>Not for use by several threads at once.
 */
public final class TaskEvaluation {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final ChatModel model;
    private final Task task;
    private final int batchSize;
    private final int maxNewTokens;

    /**
     * @param model what answers
     * @param task what judges
     * @param batchSize how many questions are answered at once
     * @param maxNewTokens the largest number of tokens an answer
     */
    public TaskEvaluation(ChatModel model, Task task, int batchSize, int maxNewTokens) {
        this.model = model;
        this.task = task;
        this.batchSize = batchSize;
        this.maxNewTokens = maxNewTokens;
    }

    /**
     * Answers and judges.
     *
     * @param examples conversations that end with the right answer
     * @param predictions is written a JSON line per example
     * @param progress is given the number of examples done
     */
    public Score run(List<Example> examples, Writer predictions, IntConsumer progress) {
        Score score = Score.NONE;
        for (int start = 0; start < examples.size(); start += batchSize) {
            List<Example> batch =
                    examples.subList(start, Math.min(start + batchSize, examples.size()));
            List<Answer> answers =
                    model.answer(batch.stream().map(Example::withoutAnswer).toList(), maxNewTokens);
            for (int i = 0; i < batch.size(); i++) {
                Answer answer = answers.get(i);
                String expected = last(batch.get(i)).content();
                Judgment judgment = task.judge(answer.text(), answer.stopped(), expected);
                score = score.plus(judgment);
                write(predictions, batch.get(i), expected, answer, judgment);
            }
            progress.accept(score.examples());
        }
        return score;
    }

    private static Message last(Example example) {
        return example.messages().get(example.messages().size() - 1);
    }

    private static void write(
            Writer predictions,
            Example example,
            String expected,
            Answer answer,
            Judgment judgment) {
        List<Message> question = example.withoutAnswer().messages();
        try {
            predictions.write(
                    JSON.writeValueAsString(
                                    JSON.createObjectNode()
                                            .put("source", example.source())
                                            .put(
                                                    "prompt",
                                                    question.get(question.size() - 1).content())
                                            .put("answer", expected)
                                            .put("prediction", answer.text())
                                            .put("stopped", answer.stopped())
                                            .put("exact_match", judgment.exactMatch()))
                            + "\n");
            predictions.flush();
        } catch (IOException e) {
            throw new JepaException("the predictions cannot be written: " + e.getMessage(), e);
        }
    }
}
