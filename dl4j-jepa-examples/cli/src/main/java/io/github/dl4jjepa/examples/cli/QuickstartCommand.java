package io.github.dl4jjepa.examples.cli;

import io.github.dl4jjepa.core.internal.samediff.Backend;
import io.github.dl4jjepa.examples.quickstart.Quickstart;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code jepa quickstart}. */
@Command(
        name = "quickstart",
        description = {
            "Shows the main job without network or arguments: makes sentence/regex pairs with a grammar, trains a"
                    + " small decoder from random weights without a JEPA term, with the paper's (cosine) and with InfoNCE,"
                    + " and compares the three.",
            "Takes less than 3 minutes on 2 cores."
        },
        footerHeading = "%nExample:%n",
        footer = "  java -jar jepa.jar quickstart")
final class QuickstartCommand implements Callable<Quickstart.Result> {
    @Spec private CommandSpec spec;

    @Override
    public Quickstart.Result call() {
        Backend.requireUsable();
        PrintWriter err = spec.commandLine().getErr();
        Quickstart quickstart = new Quickstart(err::println);
        try (TrainingProgress plain = new TrainingProgress("plain");
                TrainingProgress jepa = new TrainingProgress("JEPA, cosine");
                TrainingProgress infoNce = new TrainingProgress("JEPA, InfoNCE")) {
            return quickstart.run(plain, jepa, infoNce);
        }
    }
}
