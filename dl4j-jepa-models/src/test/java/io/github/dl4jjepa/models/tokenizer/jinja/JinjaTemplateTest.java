package io.github.dl4jjepa.models.tokenizer.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class JinjaTemplateTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final LocalDate DATE = LocalDate.of(2024, 7, 6);

    private static JsonNode golden() throws IOException {
        try (InputStream in = JinjaTemplateTest.class.getResourceAsStream("/jinja/golden.json")) {
            return JSON.readTree(in);
        }
    }

    static Stream<JsonNode> cases() throws IOException {
        List<JsonNode> cases = new ArrayList<>();
        golden().path("cases").forEach(cases::add);
        return cases.stream();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void rendersAsPythonDoes(JsonNode golden) throws IOException {
        Map<String, Object> variables =
                JSON.convertValue(golden().path("variables"), new TypeReference<>() {});
        String source = golden.path("template").textValue();
        if (golden.has("error")) {
            assertThatThrownBy(() -> JinjaTemplate.compile(source).render(variables, DATE))
                    .isInstanceOf(TemplateException.class);
        } else {
            assertThat(JinjaTemplate.compile(source).render(variables, DATE))
                    .isEqualTo(golden.path("expected").textValue());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "%d %b %Y, 06 Jul 2024",
        "%A %B %j %y %H:%M:%S %I %p %%, Saturday July 188 24 00:00:00 12 AM %",
        "%Y-%m-%d %a, 2024-07-06 Sat"
    })
    void showsTheDateThatItIsGiven(String format, String expected) {
        String source = "{{ strftime_now('" + format + "') }}";
        assertThat(JinjaTemplate.compile(source).render(Map.of(), DATE)).isEqualTo(expected);
    }

    @Test
    void marksWhatTheTemplateItselfRaises() {
        JinjaTemplate template = JinjaTemplate.compile("{{ raise_exception('no ' ~ x) }}");
        assertThatThrownBy(() -> template.render(Map.of("x", "way"), DATE))
                .isInstanceOfSatisfying(
                        TemplateException.class,
                        e -> {
                            assertThat(e).hasMessage("no way");
                            assertThat(e.isRaisedByTemplate()).isTrue();
                        });
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{% macro m() %}{% endmacro %}",
                "{{ words | batch(2) }}",
                "{{ 'a'.swapcase() }}",
                "{{ 'a' is upper }}",
                "{{ 1 < 2 < 3 }}",
                "{{ [1] }}",
                "{{ strftime_now('%c') }}",
                "{{ 2 ** 3 }}"
            })
    void refusesWhatItDoesNotKnowInsteadOfGuessing(String source) {
        assertThatThrownBy(
                        () ->
                                JinjaTemplate.compile(source)
                                        .render(Map.of("words", List.of()), DATE))
                .isInstanceOf(TemplateException.class)
                .hasMessageMatching("(?s).*(known|parse|written|supported).*");
    }

    @Test
    void namesTheLineOfAnErrorInATemplate() {
        assertThatThrownBy(() -> JinjaTemplate.compile("a\n{% if x %}\n{{ ) }}{% endif %}"))
                .hasMessageContaining("line 3");
        assertThatThrownBy(() -> JinjaTemplate.compile("a\n\n{% for x in y %}"))
                .hasMessageContaining("line 3")
                .hasMessageContaining("endfor");
    }
}
