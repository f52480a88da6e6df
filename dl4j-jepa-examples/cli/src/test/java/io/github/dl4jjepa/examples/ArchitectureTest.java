package io.github.dl4jjepa.examples;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import io.github.dl4jjepa.core.view.Example;
import org.junit.jupiter.api.Test;

/** The modules, one direction; the tests of this module are the only ones that see them all. */
class ArchitectureTest {
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

    @Test
    void packagesDoNotLookBack() {
        slices().matching("io.github.dl4jjepa.(**)").should().beFreeOfCycles().check(CLASSES);
    }
}
