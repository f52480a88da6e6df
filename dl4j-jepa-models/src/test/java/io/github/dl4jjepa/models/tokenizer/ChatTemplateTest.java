package io.github.dl4jjepa.models.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.models.tokenizer.ChatTemplate.TextSpan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChatTemplateTest {
    private static final Message ASK = new Message("user", "q");
    private static final Message ANSWER = new Message("assistant", "a");

    @TempDir Path folder;

    @Test
    void readsTheTemplateOfTheConfiguration() {
        ChatTemplate template = ChatTemplate.open(Fixtures.tokenizer("nlrx-bpe-1k"));
        assertThat(template.render(List.of(ASK), true))
                .isEqualTo("<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n");
    }

    @Test
    void prefersTheTemplateThatIsAFileOfItsOwn() throws IOException {
        write("tokenizer_config.json", "{\"chat_template\": \"config\"}");
        write("chat_template.jinja", "file");
        assertThat(open().render(List.of(ASK), false)).isEqualTo("file");
    }

    @Test
    void takesTheDefaultOfSeveralTemplates() throws IOException {
        write(
                "tokenizer_config.json",
                "{\"chat_template\": [{\"name\": \"rag\", \"template\": \"no\"},"
                        + " {\"name\": \"default\", \"template\": \"yes\"}]}");
        assertThat(open().render(List.of(ASK), false)).isEqualTo("yes");
    }

    @Test
    void prefersFilesOfNamedTemplatesToTheConfiguration() throws IOException {
        write("tokenizer_config.json", "{\"chat_template\": \"config\"}");
        write("additional_chat_templates/rag.jinja", "rag");
        assertThatThrownBy(this::open)
                .isInstanceOf(JepaException.class)
                .hasMessage(
                        folder
                                + " has the chat templates rag, and none of them is the default:"
                                + " choose one by name (chatTemplate).");
        assertThat(choose("rag").render(List.of(ASK), false)).isEqualTo("rag");
    }

    @Test
    void readsTheTemplateOfAProcessorWhereTheTokenizerHasNone() throws IOException {
        write("chat_template.json", "{\"chat_template\": \"legacy\"}");
        assertThat(open().render(List.of(ASK), false)).isEqualTo("legacy");
        write("processor_config.json", "{\"chat_template\": \"processor\"}");
        assertThat(open().render(List.of(ASK), false)).isEqualTo("processor");
        write("tokenizer_config.json", "{\"chat_template\": \"tokenizer\"}");
        assertThat(open().render(List.of(ASK), false)).isEqualTo("tokenizer");
    }

    @Test
    void rendersConversationsWithToolsByTheTemplateForThemUnlessOneIsChosen() throws IOException {
        write("chat_template.jinja", "default");
        write("additional_chat_templates/tool_use.jinja", "{{ tools[0].name }}");
        Map<String, Object> tools = Map.of("tools", List.of(Map.of("name", "search")));
        assertThat(open().render(List.of(ASK), tools, false)).isEqualTo("search");
        assertThat(open().render(List.of(ASK), false)).isEqualTo("default");
        assertThat(choose("default").render(List.of(ASK), tools, false)).isEqualTo("default");
    }

    @Test
    void takesATemplateFromAFile() throws IOException {
        write("chat_template.jinja", "default");
        write("mine.jinja", "mine");
        assertThat(choose(folder.resolve("mine.jinja").toString()).render(List.of(ASK), false))
                .isEqualTo("mine");
    }

    @Test
    void listsTheNamesWhereOneIsUnknown() throws IOException {
        write("chat_template.jinja", "default");
        write("additional_chat_templates/rag.jinja", "rag");
        assertThatThrownBy(() -> choose("rga"))
                .isInstanceOf(JepaException.class)
                .hasMessage(
                        "There is no chat template 'rga': "
                                + folder
                                + " has default, rag, and there is no such file.");
    }

    @Test
    void refusesAListOfTemplatesWithoutNames() throws IOException {
        write("tokenizer_config.json", "{\"chat_template\": [{\"template\": \"x\"}]}");
        assertThatThrownBy(this::open)
                .isInstanceOf(JepaException.class)
                .hasMessageStartingWith(
                        folder.resolve("tokenizer_config.json") + ", chat_template: neither");
    }

    @Test
    void writesTheChosenTemplateAsTheDefaultAndKeepsTheOthers() throws IOException {
        write(
                "tokenizer_config.json",
                "{\"chat_template\": [{\"name\": \"rag\", \"template\": \"rag\"},"
                        + " {\"name\": \"default\", \"template\": \"x\"}], \"eos_token\": \"e\"}");
        Path target = Files.createDirectory(folder.resolve("target"));
        files().withChatTemplate("rag").withPredictors(1).write(target);
        assertThat(target.resolve("chat_template.jinja")).hasContent("rag");
        assertThat(target.resolve("additional_chat_templates/rag.jinja")).hasContent("rag");
        assertThat(Fixtures.json(target.resolve("tokenizer_config.json")).has("chat_template"))
                .isFalse();
        assertThat(ChatTemplate.open(target).render(List.of(ASK), false)).isEqualTo("rag");
    }

    @Test
    void writesEveryTemplateFileAgain() throws IOException {
        write("chat_template.jinja", "default");
        write("additional_chat_templates/rag.jinja", "rag\r\n");
        Path target = Files.createDirectory(folder.resolve("target"));
        files().write(target);
        for (String name : List.of("chat_template.jinja", "additional_chat_templates/rag.jinja")) {
            assertThat(target.resolve(name)).hasSameBinaryContentAs(folder.resolve(name));
        }
    }

    @Test
    void writesTheTemplateOfAProcessorWhereATokenizerLooksForIt() throws IOException {
        write("chat_template.json", "{\"chat_template\": \"legacy\"}");
        Path target = Files.createDirectory(folder.resolve("target"));
        files().write(target);
        assertThat(target.resolve("chat_template.jinja")).hasContent("legacy");
    }

    @Test
    void refusesToWriteATemplateWhoseNameIsAPath() throws IOException {
        write(
                "tokenizer_config.json",
                "{\"chat_template\": {\"../x\": \"a\", \"default\": \"b\"}}");
        assertThatThrownBy(() -> choose("default"))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("'../x'");
    }

    @Test
    void givesTemplatesToolsAsPythonHasThem() throws IOException {
        write(
                "chat_template.jinja",
                "{{ tools[0] }}{{ tools[0] | tojson }}{{ tools is sequence }}{{ tools[0] is mapping }}"
                        + "{% for k, v in tools[0].items() %}{{ k }}={{ v }};{% endfor %}");
        Map<String, Object> tool = new java.util.LinkedHashMap<>();
        tool.put("b", true);
        tool.put("a", null);
        tool.put("x", 1e-5);
        tool.put("n", new java.math.BigInteger("12345678901234567890"));
        assertThat(open().render(List.of(ASK), Map.of("tools", List.of(tool)), false))
                .isEqualTo(
                        "{'b': True, 'a': None, 'x': 1e-05, 'n': 12345678901234567890}"
                                + "{\"b\": true, \"a\": null, \"x\": 1e-05, \"n\":"
                                + " 12345678901234567890}TrueTrue"
                                + "b=True;a=None;x=1e-05;n=12345678901234567890;");
    }

    @Test
    void refusesAFolderWithoutATemplate() throws IOException {
        write("tokenizer_config.json", "{\"chat_template\": null}");
        assertThatThrownBy(this::open)
                .isInstanceOf(JepaException.class)
                .hasMessageStartingWith(folder + " has no chat template")
                .hasMessageContaining("Base models have none");
    }

    @Test
    void namesTheFileAndLineOfATemplateThatCannotBeCompiled() throws IOException {
        write("chat_template.jinja", "{{ bos_token }}\n{% include 'other' %}");
        assertThatThrownBy(this::open)
                .isInstanceOf(JepaException.class)
                .hasMessageContaining(folder.resolve("chat_template.jinja").toString())
                .hasMessageContaining("line 2")
                .hasMessageContaining("include");
    }

    @Test
    void passesOnWhatTheTemplateRaises() throws IOException {
        write("chat_template.jinja", "{{ raise_exception('System role not supported') }}");
        assertThatThrownBy(() -> open().render(List.of(ASK), false))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("chat_template.jinja")
                .hasMessageEndingWith("refuses the conversation: System role not supported");
    }

    @Test
    void showsSpecialTokensAndLeavesNullOnesUndefined() throws IOException {
        write(
                "tokenizer_config.json",
                "{\"bos_token\": null, \"eos_token\": {\"content\": \"</s>\"}}");
        write(
                "chat_template.jinja",
                "{{ bos_token is defined }} {{ eos_token }} {{ tools is defined }} {{ tools is none"
                        + " }}");
        assertThat(open().render(List.of(), false)).isEqualTo("False </s> True True");
    }

    @Test
    void showsAFixedDateUnlessGivenAnother() throws IOException {
        write("chat_template.jinja", "{{ strftime_now('%d %b %Y') }}");
        assertThat(open().render(List.of(), false)).isEqualTo("26 Jul 2024");
        assertThat(open().withDate(LocalDate.of(2025, 2, 1)).render(List.of(), false))
                .isEqualTo("01 Feb 2025");
    }

    @Test
    void findsTheTurnAmongOthersThatSayTheSame() {
        ChatTemplate template = template("{% for m in messages %}<{{ m.content }}>{% endfor %}");
        List<Message> messages = List.of(ASK, ANSWER, ASK, ANSWER);
        String text = template.render(messages, false);
        assertThat(template.find(messages, Map.of(), 1, text)).isEqualTo(new TextSpan(4, 5));
        assertThat(template.find(messages, Map.of(), 3, text)).isEqualTo(new TextSpan(10, 11));
    }

    @Test
    void findsATurnThatTheTemplateTrimsOrPutsThoughtsBefore() {
        ChatTemplate template =
                template(
                        "{% for m in messages %}{% if loop.last %}<think>\n\n</think>\n\n{% endif %}"
                                + "{{ m.content | trim }}<end>{% endfor %}");
        List<Message> messages = List.of(ASK, new Message("assistant", " \n🙂<end> "));
        String text = template.render(messages, false);
        TextSpan span = template.find(messages, Map.of(), 1, text);
        assertThat(text.substring(span.start(), span.end())).isEqualTo("🙂<end>");
    }

    @Test
    void findsATurnThatSaysTheMark() {
        ChatTemplate template = template("{% for m in messages %}<{{ m.content }}>{% endfor %}");
        List<Message> messages = List.of(new Message("user", "QZMARKZQ"), ANSWER);
        String text = template.render(messages, false);
        assertThat(template.find(messages, Map.of(), 1, text)).isEqualTo(new TextSpan(11, 12));
    }

    @Test
    void refusesToFindATurnThatIsLeftOutOrRepeatedOrChangesTheTextAroundIt() {
        assertNotFound("{{ messages[0].content }}", "not at all");
        assertNotFound("{{ messages[1].content * 2 }}", "more than once");
        assertNotFound(
                "{% if messages[1].content == 'a' %}A{% else %}B{% endif %}{{ messages[1].content"
                        + " }}",
                "depends on what it says");
    }

    private static void assertNotFound(String source, String reason) {
        ChatTemplate template = template(source);
        List<Message> messages = List.of(ASK, ANSWER);
        assertThatThrownBy(
                        () ->
                                template.find(
                                        messages, Map.of(), 1, template.render(messages, false)))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining(reason);
    }

    private static ChatTemplate template(String source) {
        return ChatTemplate.compile("test", source, Map.of());
    }

    private ChatTemplate open() throws IOException {
        return ChatTemplate.of(files());
    }

    private ChatTemplate choose(String nameOrFile) throws IOException {
        return ChatTemplate.of(files().withChatTemplate(nameOrFile));
    }

    private TokenizerFiles files() throws IOException {
        write("tokenizer.json", "{}");
        return TokenizerFiles.read(folder);
    }

    private void write(String name, String text) throws IOException {
        Files.createDirectories(folder.resolve(name).getParent());
        Files.writeString(folder.resolve(name), text);
    }
}
