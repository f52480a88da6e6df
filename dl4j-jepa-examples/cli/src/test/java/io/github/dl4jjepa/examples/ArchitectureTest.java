package io.github.dl4jjepa.examples;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.AccessTarget.CodeUnitAccessTarget;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import io.github.dl4jjepa.core.view.Example;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The modules, one direction; the tests of this module are the only ones that see them all. */
class ArchitectureTest {
    private static final JavaClasses CLASSES =
            new ClassFileImporter()
                    .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                    .importPackages("io.github.dl4jjepa");

    /**
     * Methods that take the default locale where none is given; "&lt;init&gt;" is a constructor.
     */
    private static final Map<String, Set<String>> LOCALIZED =
            Map.of(
                    "java.lang.String", Set.of("format", "formatted", "toLowerCase", "toUpperCase"),
                    "java.io.PrintStream", Set.of("format", "printf"),
                    "java.io.PrintWriter", Set.of("format", "printf"),
                    "java.util.Formatter", Set.of("<init>"),
                    "java.util.Scanner", Set.of("<init>"),
                    "java.text.MessageFormat", Set.of("<init>", "format"),
                    "java.text.DecimalFormat", Set.of("<init>"),
                    "java.text.SimpleDateFormat", Set.of("<init>"),
                    "java.text.NumberFormat",
                            Set.of("getInstance", "getNumberInstance", "getIntegerInstance"),
                    "java.time.format.DateTimeFormatter", Set.of("ofPattern"));

    private static final Set<String> LOCALE_TYPES = Set.of("Locale", "DecimalFormatSymbols");

    private static final DescribedPredicate<JavaAccess<?>> DEPENDS_ON_THE_LOCALE =
            DescribedPredicate.describe(
                    "the method takes the default locale",
                    access ->
                            access.getTarget() instanceof CodeUnitAccessTarget target
                                    && LOCALIZED
                                            .getOrDefault(target.getOwner().getName(), Set.of())
                                            .contains(target.getName())
                                    && target.getRawParameterTypes().stream()
                                            .map(JavaClass::getSimpleName)
                                            .noneMatch(LOCALE_TYPES::contains));

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

    @Test
    void nothingIsWrittenInTheDefaultLocalesDigitsOrCase() {
        noClasses().should().accessTargetWhere(DEPENDS_ON_THE_LOCALE).check(CLASSES);
    }

    @Test
    void packagesDoNotLookBack() {
        slices().matching("io.github.dl4jjepa.(**)").should().beFreeOfCycles().check(CLASSES);
    }
}
