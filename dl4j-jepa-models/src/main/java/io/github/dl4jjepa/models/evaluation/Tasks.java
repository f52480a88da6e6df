package io.github.dl4jjepa.models.evaluation;

import io.github.dl4jjepa.core.JepaException;
import java.util.List;

/** The tasks by name. */
public final class Tasks {
    private static final List<Task> ALL = List.of(new NlRxTask());

    private Tasks() {}

    /**
     * The task of a name.
     *
     * @throws JepaException if there is none; the message lists those that there are
     */
    public static Task named(String name) {
        return ALL.stream()
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
        return ALL.stream().map(Task::name).toList();
    }
}
