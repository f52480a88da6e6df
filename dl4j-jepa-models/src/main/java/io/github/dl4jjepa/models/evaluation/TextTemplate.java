package io.github.dl4jjepa.models.evaluation;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.dl4jjepa.core.JepaException;
import java.util.ArrayList;
import java.util.List;

/** A text with the names of fields in braces, {@code {question}}; two braces stand for one. */
final class TextTemplate {
    /** Text and field names in turns; text comes first. */
    private final List<String> parts = new ArrayList<>();

    TextTemplate(String place, String template) {
        StringBuilder part = new StringBuilder();
        boolean inField = false;
        for (int i = 0; i < template.length(); i++) {
            char c = template.charAt(i);
            boolean twice = i + 1 < template.length() && template.charAt(i + 1) == c;
            if (!inField && twice && (c == '{' || c == '}')) {
                part.append(c);
                i++;
            } else if (c == (inField ? '}' : '{')) {
                parts.add(part.toString());
                if (inField && part.toString().isBlank()) {
                    throw new JepaException(place + ": a field has no name: " + template);
                }
                part.setLength(0);
                inField = !inField;
            } else if (c == '{' || c == '}') {
                throw new JepaException(
                        place
                                + ": write {{ or }} for a brace that is part of the text: "
                                + template);
            } else {
                part.append(c);
            }
        }
        if (inField) {
            throw new JepaException(place + ": a brace is not closed: " + template);
        }
        parts.add(part.toString());
    }

    /**
     * The text for a record.
     *
     * @throws JepaException if the record lacks a field, or the field is not a text or number
     */
    String fill(String source, JsonNode row) {
        StringBuilder text = new StringBuilder(parts.get(0));
        for (int i = 1; i < parts.size(); i += 2) {
            String field = parts.get(i).strip();
            JsonNode value = row.path(field);
            if (!value.isTextual() && !value.isNumber() && !value.isBoolean()) {
                throw new JepaException(
                        source
                                + ": the field \""
                                + field
                                + "\" must be a string or a number, but is "
                                + (value.isMissingNode() ? "missing" : value)
                                + "; correct the line, or the task's template");
            }
            text.append(value.asText()).append(parts.get(i + 1));
        }
        return text.toString();
    }
}
