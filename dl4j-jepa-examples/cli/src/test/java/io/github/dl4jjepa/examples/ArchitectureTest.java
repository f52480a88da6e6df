package io.github.dl4jjepa.examples;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaMember;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import io.github.dl4jjepa.core.view.Example;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The modules, one direction; the tests of this module are the only ones that see them all. */
class ArchitectureTest {
    private static final String PREFIX = "io.github.dl4jjepa.";

    private static final Pattern REASON = Pattern.compile("\\| `([\\w.]+)` \\| .+ \\|");

    private static final JavaClasses CLASSES =
            new ClassFileImporter()
                    .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                    .importPackages("io.github.dl4jjepa");

    @Test
    void seesMoreThanOneModule() {
        assertThat(CLASSES.contain(Example.class)).isTrue();
        assertThat(CLASSES.contain("io.github.dl4jjepa.examples.cli.JepaCommand")).isTrue();
    }

    @Test
    void coreKnowsNothingAboveIt() {
        noClasses()
                .that()
                .resideInAPackage("io.github.dl4jjepa.core..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("io.github.dl4jjepa.models..", "io.github.dl4jjepa.examples..")
                .check(CLASSES);
    }

    @Test
    void librariesDoNotKnowTheExamples() {
        noClasses()
                .that()
                .resideOutsideOfPackage("io.github.dl4jjepa.examples..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("io.github.dl4jjepa.examples..")
                .check(CLASSES);
    }

    @Test
    void coreHasNeverHeardOfHuggingFace() {
        noClasses()
                .that()
                .resideInAPackage("io.github.dl4jjepa.core..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("ai.djl..", "com.hubspot..", "picocli..")
                .check(CLASSES);
    }

    /** A supertype may be internal, as long as nobody has to name it. */
    @Test
    void noPublicSignatureNamesAnInternalType() {
        List<String> named =
                publicTypes()
                        .flatMap(
                                type ->
                                        type.getMembers().stream()
                                                .filter(ArchitectureTest::isVisible)
                                                .flatMap(
                                                        member ->
                                                                member
                                                                        .getAllInvolvedRawTypes()
                                                                        .stream()
                                                                        .filter(
                                                                                ArchitectureTest
                                                                                        ::isInternal)
                                                                        .map(
                                                                                internal ->
                                                                                        member
                                                                                                        .getFullName()
                                                                                                + " names "
                                                                                                + internal
                                                                                                        .getName())))
                        .toList();

        assertThat(named).isEmpty();
    }

    /** The picture of the house in docs/architecture.md: which package uses which. */
    @Test
    void printsThePackagesAndTheirPublicTypes() {
        Map<String, List<String>> types =
                publicTypes()
                        .filter(type -> type.getEnclosingClass().isEmpty())
                        .collect(
                                Collectors.groupingBy(
                                        JavaClass::getPackageName,
                                        TreeMap::new,
                                        Collectors.mapping(
                                                JavaClass::getSimpleName, Collectors.toList())));
        types.forEach(
                (room, names) ->
                        System.out.printf(
                                Locale.ROOT,
                                "%s: %s%n    -> %s%n",
                                shortName(room),
                                names.stream().sorted().collect(Collectors.joining(", ")),
                                usedBy(room)));
        assertThat(types).containsKeys(PREFIX + "core.layer", PREFIX + "models.finetuning");
    }

    @Test
    void eachPublicTypeHasItsReasonInTheDocumentation() throws IOException {
        List<String> reasons =
                Files.readAllLines(Path.of("../../docs/public-types.md")).stream()
                        .map(REASON::matcher)
                        .filter(Matcher::matches)
                        .map(line -> line.group(1))
                        .toList();

        assertThat(reasons)
                .containsExactlyInAnyOrderElementsOf(
                        publicTypes()
                                .filter(type -> type.getEnclosingClass().isEmpty())
                                .map(type -> shortName(type.getName()))
                                .toList());
    }

    private static Stream<JavaClass> publicTypes() {
        return CLASSES.stream()
                .filter(type -> !isInternal(type))
                .filter(type -> !type.getPackageName().startsWith(PREFIX + "examples"))
                .filter(type -> type.getModifiers().contains(JavaModifier.PUBLIC))
                .filter(
                        type ->
                                type.getEnclosingClass()
                                        .map(
                                                outer ->
                                                        outer.getModifiers()
                                                                .contains(JavaModifier.PUBLIC))
                                        .orElse(true));
    }

    private static boolean isVisible(JavaMember member) {
        return member.getModifiers().contains(JavaModifier.PUBLIC)
                || member.getModifiers().contains(JavaModifier.PROTECTED);
    }

    private static boolean isInternal(JavaClass type) {
        return type.getPackageName().startsWith(PREFIX)
                && List.of(type.getPackageName().split("\\.")).contains("internal");
    }

    private static String usedBy(String room) {
        return CLASSES.stream()
                .filter(type -> type.getPackageName().equals(room))
                .flatMap(type -> type.getDirectDependenciesFromSelf().stream())
                .map(dependency -> dependency.getTargetClass().getPackageName())
                .filter(name -> name.startsWith(PREFIX) && !name.equals(room))
                .map(ArchitectureTest::shortName)
                .distinct()
                .sorted()
                .collect(Collectors.joining(", "));
    }

    private static String shortName(String room) {
        return room.substring(PREFIX.length());
    }

    @Test
    void packagesDoNotLookBack() {
        slices().matching("io.github.dl4jjepa.(**)").should().beFreeOfCycles().check(CLASSES);
    }
}
