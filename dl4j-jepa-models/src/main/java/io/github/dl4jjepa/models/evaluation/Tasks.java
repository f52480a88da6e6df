package io.github.dl4jjepa.models.evaluation;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.dl4jjepa.core.JepaException;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;

/** The tasks by name: those of the paper, and those that {@link ServiceLoader} finds. */
public final class Tasks {
    private static final List<Task> OWN =
            List.of(
                    new NlRxTask(),
                    new Gsm8kTask(),
                    SentimentTask.rottenTomatoes(),
                    SentimentTask.yelp(),
                    new NqOpenTask(),
                    new HellaSwagTask(),
                    new ParaphraseTask());

    private Tasks() {}

    /**
     * The task of a name.
     *
     * @throws JepaException if there is none; the message lists those that there are
     */
    public static Task named(String name) {
        return all().stream()
                .filter(task -> task.name().equals(name))
                .findFirst()
                .orElseThrow(
                        () ->
                                new JepaException(
                                        "there is no task '"
                                                + name
                                                + "'; the tasks are: "
                                                + String.join(", ", names())));
    }

    /** The names of all tasks. */
    public static List<String> names() {
        return all().stream().map(Task::name).toList();
    }

    /**
     * A task that is written down rather than programmed; docs/tasks.md shows the keys.
     *
     * @param place where it is written, for messages: a file
     * @param declaration an object with {@code name}, {@code prompt}, {@code answer} and {@code
     *     scorer}, and optional keys
     * @throws JepaException if a key is missing, unknown, or has a wrong value
     */
    public static Task declared(String place, JsonNode declaration) {
        return new DeclaredTask(place, declaration);
    }

    private static List<Task> all() {
        List<Task> all = new ArrayList<>(OWN);
        ServiceLoader.load(Task.class).forEach(all::add);
        return all;
    }
}
