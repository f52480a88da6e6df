package io.github.dl4jjepa.models.internal.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class JinjaTemplateTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final LocalDate DATE = LocalDate.of(2024, 7, 6);
    private static final JsonNode GOLDEN = read("golden.json");
    private static final JsonNode GRID = read("grid.json");

    private static JsonNode read(String name) {
        try (InputStream in = JinjaTemplateTest.class.getResourceAsStream("/jinja/" + name)) {
            return JSON.readTree(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Stream<JsonNode> cases() {
        List<JsonNode> cases = new ArrayList<>();
        GOLDEN.path("cases").forEach(cases::add);
        return cases.stream();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void rendersAsPythonDoes(JsonNode golden) {
        Map<String, Object> variables =
                JSON.convertValue(GOLDEN.path("variables"), new TypeReference<>() {});
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
        "%Y-%m-%d %a, 2024-07-06 Sat",
        "%-d/%-m %e|%F|%T|%D|%u%w%Z, 6/7  6|2024-07-06|00:00:00|07/06/24|66",
        "%c, Sat Jul  6 00:00:00 2024"
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

    /** Every expression of the grid over every pair of its values, by rows. */
    @ParameterizedTest
    @MethodSource("rows")
    void evaluatesAsPythonDoes(String row, List<String> expected) {
        String expression = row.replaceFirst(" where b = .*", "");
        String b = row.contains(" where b = ") ? row.replaceFirst(".* where b = ", "") : "none";
        List<String> values = strings(GRID.path("values"));
        List<String> wrong = new ArrayList<>();
        for (int i = 0; i < values.size(); i++) {
            String source =
                    "{% set a = "
                            + values.get(i)
                            + " %}{% set b = "
                            + b
                            + " %}{{ ["
                            + expression
                            + "] }}";
            String rendered;
            try {
                rendered = JinjaTemplate.compile(source).render(Map.of(), DATE);
            } catch (TemplateException refused) {
                rendered = null;
            }
            if (!Objects.equals(rendered, expected.get(i))) {
                wrong.add(values.get(i) + ": " + rendered + " instead of " + expected.get(i));
            }
        }
        assertThat(wrong).isEmpty();
    }

    static Stream<Arguments> rows() {
        return GRID.path("rows").properties().stream()
                .map(row -> Arguments.of(row.getKey(), strings(row.getValue())));
    }

    private static List<String> strings(JsonNode array) {
        return JSON.convertValue(array, new TypeReference<>() {});
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{% block x %}{% endblock %}",
                "{% autoescape true %}{% endautoescape %}",
                "{% if false %}{% include 'x' %}{% endif %}",
                "{{ self.x() }}",
                "{{ 'a' | urlize }}",
                "{{ [1, 2] | random }}",
                "{{ lipsum() }}",
                "{{ ('a' | safe) | upper }}",
                "{{ 'a'.encode() }}",
                "{{ (1).bit_length() }}",
                "{{ strftime_now('%Q') }}",
                "{{ (-8) ** 0.5 }}"
            })
    void refusesWhatItDoesNotKnowInsteadOfGuessing(String source) {
        assertThatThrownBy(() -> JinjaTemplate.compile(source).render(Map.of(), DATE))
                .isInstanceOf(TemplateException.class)
                .hasMessageMatching("(?s)line 1: .*(known|supported).*");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{{ 'a' * 10000000000 }}",
                "{{ [1] * 10000000000 }}",
                "{{ range(1000000) }}",
                "{{ 10 ** (10 ** 10) }}",
                "{{ '%999999999d' % 1 }}",
                "{{ '{:999999999}'.format(1) }}",
                "{{ 'a'.center(999999999) }}",
                "{{ 'a' | indent(999999999, true) }}",
                "{% set ns = namespace(x='ab') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
                "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
                "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
                "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x | tojson }}",
                "{% set x = 'a' * 1000000 %}{{ range(1000) | join(x) }}",
                "{% set x = 'a' * 1000000 %}{{ x.replace('a', x) }}",
                "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
                "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"
            })
    void refusesToMakeMoreThanAConversationCanNeed(String source) {
        assertThatThrownBy(() -> JinjaTemplate.compile(source).render(Map.of(), DATE))
                .isInstanceOf(TemplateException.class);
    }

    @Test
    void refusesExpressionsThatAreNestedTooDeeply() {
        String source = "{{ " + "(".repeat(20_000) + "1" + ")".repeat(20_000) + " }}";
        assertThatThrownBy(() -> JinjaTemplate.compile(source))
                .isInstanceOf(TemplateException.class)
                .hasMessageContaining("nested too deeply");
    }

    @Test
    void namesTheLineOfAnErrorThatRenderingMeets() {
        JinjaTemplate template =
                JinjaTemplate.compile(
                        "a\n{% for x in y %}\n{% if x %}\n{{ x.z.z }}{% endif %}{% endfor %}");
        assertThatThrownBy(() -> template.render(Map.of("y", List.of(1)), DATE))
                .hasMessage("line 4: 'z' is undefined");
    }

    @Test
    void refusesVariablesThatAreNotPlainData() {
        JinjaTemplate template = JinjaTemplate.compile("{{ x }}");
        assertThatThrownBy(() -> template.render(Map.of("x", new Object()), DATE))
                .isInstanceOf(IllegalArgumentException.class);
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
