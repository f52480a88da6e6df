package io.github.dl4jjepa.models.evaluation;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.iterator.ExampleSource;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.models.chat.ChatModel;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A task that a file declares: templates over the fields of JSON lines, and scorers. */
final class DeclaredTask implements Task {
    private static final int DEFAULT_MAX_NEW_TOKENS = 128;

    private static final Set<String> KEYS =
            Set.of(
                    "name",
                    "system",
                    "prompt",
                    "answer",
                    "text",
                    "code",
                    "choices",
                    "max_new_tokens",
                    "stop",
                    "scorer");

    private static final JsonMapper JSON =
            JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

    /** How an answer is judged. */
    private enum Scorer {
        EXACT,
        STARTS_WITH,
        CONTAINS,
        NUMBER,
        WORDS,
        LIKELIHOOD;

        String key() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private final String place;
    private final JsonNode declaration;
    private final String name;
    private final @Nullable TextTemplate system;
    private final TextTemplate prompt;
    private final TextTemplate answer;
    private final @Nullable TextTemplate text;
    private final @Nullable TextTemplate code;
    private final List<String> choices;
    private final int maxNewTokens;
    private final List<String> stop;
    private final Set<Scorer> scorers;

    DeclaredTask(String place, JsonNode declaration) {
        this.place = place;
        this.declaration = declaration;
        requireKnownKeys();
        name = required("name");
        system = template("system");
        prompt = new TextTemplate(place + ": prompt", required("prompt"));
        answer = new TextTemplate(place + ": answer", required("answer"));
        text = template("text");
        code = template("code");
        if ((text == null) != (code == null)) {
            throw fault("only one of \"text\" and \"code\" is there; give both or neither");
        }
        choices = strings("choices");
        stop = strings("stop");
        if (stop.contains("")) {
            throw fault("\"stop\" must not contain the empty string");
        }
        JsonNode most = declaration.path("max_new_tokens");
        if (!most.isMissingNode() && !(most.canConvertToInt() && most.intValue() >= 0)) {
            throw fault("\"max_new_tokens\" must be a whole number, 0 or more, not " + most);
        }
        maxNewTokens = most.asInt(DEFAULT_MAX_NEW_TOKENS);
        scorers = scorers();
    }

    private void requireKnownKeys() {
        if (!declaration.isObject()) {
            throw fault("a task must be an object with the keys name, prompt, answer and scorer");
        }
        Iterator<String> names = declaration.fieldNames();
        while (names.hasNext()) {
            String key = names.next();
            if (!KEYS.contains(key)) {
                throw fault(
                        "there is no key \""
                                + key
                                + "\"; the keys are "
                                + KEYS.stream().sorted().collect(Collectors.joining(", ")));
            }
        }
    }

    private Set<Scorer> scorers() {
        Set<Scorer> found = new LinkedHashSet<>();
        for (String key : strings("scorer")) {
            found.add(
                    Arrays.stream(Scorer.values())
                            .filter(scorer -> scorer.key().equals(key))
                            .findFirst()
                            .orElseThrow(
                                    () ->
                                            fault(
                                                    "there is no scorer \""
                                                            + key
                                                            + "\"; the scorers are "
                                                            + Arrays.stream(Scorer.values())
                                                                    .map(Scorer::key)
                                                                    .collect(
                                                                            Collectors.joining(
                                                                                    ", ")))));
        }
        if (found.isEmpty()) {
            throw fault("\"scorer\" is missing; name one scorer or a list of them");
        }
        boolean compares = found.contains(Scorer.LIKELIHOOD);
        if (compares && choices.size() < 2) {
            throw fault("the scorer likelihood needs two \"choices\" or more");
        }
        if (!compares && !choices.isEmpty()) {
            throw fault("\"choices\" have no effect without the scorer likelihood");
        }
        if (found.contains(Scorer.EXACT) && found.contains(Scorer.WORDS)) {
            throw fault("the scorers exact and words have metrics of the same name; choose one");
        }
        if (maxNewTokens == 0 && found.size() > (compares ? 1 : 0)) {
            throw fault("with \"max_new_tokens\" 0 the only scorer is likelihood");
        }
        return found;
    }

    private String required(String key) {
        JsonNode value = declaration.path(key);
        if (!value.isTextual() || value.textValue().isBlank()) {
            throw fault(
                    "\""
                            + key
                            + "\" must be a string, but is "
                            + (value.isMissingNode() ? "missing" : value));
        }
        return value.textValue();
    }

    private @Nullable TextTemplate template(String key) {
        return declaration.has(key) ? new TextTemplate(place + ": " + key, required(key)) : null;
    }

    /** One string, or a list of strings. */
    private List<String> strings(String key) {
        JsonNode value = declaration.path(key);
        List<String> strings = new ArrayList<>();
        if (value.isTextual()) {
            strings.add(value.textValue());
        } else if (value.isArray()) {
            for (JsonNode element : value) {
                if (!element.isTextual()) {
                    throw fault("\"" + key + "\" must be a list of strings, but has " + element);
                }
                strings.add(element.textValue());
            }
        } else if (!value.isMissingNode()) {
            throw fault("\"" + key + "\" must be a string or a list of strings, not " + value);
        }
        return List.copyOf(strings);
    }

    private JepaException fault(String message) {
        return new JepaException(place + ": " + message);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public int maxNewTokens() {
        return maxNewTokens;
    }

    @Override
    public List<String> stopStrings() {
        return stop;
    }

    @Override
    public ExampleSource examples(Path data) {
        return (examples, faults) -> read(data, examples, faults);
    }

    private void read(
            Path data, Consumer<? super Example> examples, Consumer<? super JepaException> faults) {
        long number = 0;
        try (BufferedReader lines = Files.newBufferedReader(data)) {
            for (String line; (line = lines.readLine()) != null; ) {
                number++;
                if (line.isBlank()) {
                    continue;
                }
                Example example;
                try {
                    example = example(data + ":" + number, line);
                } catch (JepaException fault) {
                    faults.accept(fault);
                    continue;
                }
                examples.accept(example);
            }
        } catch (MalformedInputException e) {
            throw new JepaException(data + ": is not UTF-8; save the file as UTF-8", e);
        } catch (IOException e) {
            throw new JepaException(data + ": cannot be read: " + e, e);
        }
        if (number == 0) {
            throw new JepaException(data + ": the file is empty; write one JSON object a line");
        }
    }

    private Example example(String source, String line) {
        JsonNode row;
        try {
            row = JSON.readTree(line);
        } catch (JsonProcessingException e) {
            throw new JepaException(
                    source + ": each line must be one JSON object: " + e.getOriginalMessage(), e);
        }
        if (!row.isObject()) {
            throw new JepaException(source + ": each line must be one JSON object");
        }
        List<Message> messages = new ArrayList<>();
        if (system != null) {
            messages.add(new Message(Message.SYSTEM, system.fill(source, row)));
        }
        messages.add(new Message(Message.USER, prompt.fill(source, row)));
        messages.add(new Message(Message.ASSISTANT, answer.fill(source, row)));
        List<String> views =
                text == null || code == null
                        ? List.of()
                        : List.of(text.fill(source, row), code.fill(source, row));
        return new Example(source, messages, views);
    }

    @Override
    public void check(Example example) {
        String gold = Answers.gold(example).strip();
        if (gold.isEmpty()) {
            throw new JepaException(example.source() + ": the right answer is empty");
        }
        if (!choices.isEmpty() && !choices.contains(gold)) {
            throw new JepaException(
                    example.source()
                            + ": the right answer \""
                            + gold
                            + "\" is not one of the choices "
                            + choices);
        }
        if (scorers.contains(Scorer.NUMBER) && Gsm8kTask.last(gold).isEmpty()) {
            throw new JepaException(
                    example.source() + ": the right answer has no number: \"" + gold + "\"");
        }
    }

    @Override
    public List<Example> candidates(Example example) {
        return choices.stream().map(choice -> Answers.withAnswer(example, choice)).toList();
    }

    @Override
    public Task.Judgment judge(Example example, Task.Outcome outcome) {
        String expected = Answers.gold(example).strip();
        String actual = outcome.prediction().strip();
        Task.Judgment judgment = Task.Judgment.NONE;
        for (Scorer scorer : scorers) {
            judgment =
                    switch (scorer) {
                        case EXACT -> judgment.with("exact_match", actual.equals(expected));
                        case STARTS_WITH ->
                                judgment.with("starts_with", actual.startsWith(expected));
                        case CONTAINS -> judgment.with("contains", actual.contains(expected));
                        case NUMBER ->
                                judgment.with(
                                        "number_match",
                                        Gsm8kTask.isEqual(
                                                Gsm8kTask.last(actual),
                                                Gsm8kTask.last(expected).orElseThrow()));
                        case WORDS -> NqOpenTask.judge(judgment, expected, actual);
                        case LIKELIHOOD -> likelihood(judgment, expected, outcome.likelihoods());
                    };
        }
        return maxNewTokens == 0 ? judgment : judgment.with("stopped", outcome.stopped());
    }

    private Task.Judgment likelihood(
            Task.Judgment judgment, String expected, List<ChatModel.Likelihood> likelihoods) {
        int gold = choices.indexOf(expected);
        return judgment.with(
                        "likelihood_match",
                        Answers.best(likelihoods, ChatModel.Likelihood::logProbability) == gold)
                .with(
                        "likelihood_per_token_match",
                        Answers.best(likelihoods, ChatModel.Likelihood::perToken) == gold);
    }
}
