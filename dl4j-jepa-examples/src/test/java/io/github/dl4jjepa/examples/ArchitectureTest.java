package io.github.dl4jjepa.examples;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** Three modules, one direction; this module's tests are the only ones that see them all. */
@AnalyzeClasses(packages = "io.github.dl4jjepa", importOptions = DoNotIncludeTests.class)
class ArchitectureTest {
    @ArchTest
    static final ArchRule coreKnowsNothingAboveIt =
            noClasses()
                    .that()
                    .resideInAPackage("io.github.dl4jjepa.core..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage(
                            "io.github.dl4jjepa.models..", "io.github.dl4jjepa.examples..");

    @ArchTest
    static final ArchRule librariesDoNotKnowTheExamples =
            noClasses()
                    .that()
                    .resideOutsideOfPackage("io.github.dl4jjepa.examples..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAPackage("io.github.dl4jjepa.examples..");

    @ArchTest
    static final ArchRule coreHasNeverHeardOfHuggingFace =
            noClasses()
                    .that()
                    .resideInAPackage("io.github.dl4jjepa.core..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage("ai.djl..", "com.hubspot..", "picocli..");

    @ArchTest
    static final ArchRule packagesDoNotLookBack =
            slices().matching("io.github.dl4jjepa.(**)").should().beFreeOfCycles();
}
