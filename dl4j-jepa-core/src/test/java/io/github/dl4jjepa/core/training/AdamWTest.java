package io.github.dl4jjepa.core.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.offset;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.dl4jjepa.core.Goldens;
import io.github.dl4jjepa.core.parameters.Parameter;
import io.github.dl4jjepa.core.parameters.ParameterSet;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class AdamWTest {
    private final JsonNode golden = Goldens.read("training/adamw.json");

    @Test
    void stepsAsTorchDoesWithAndWithoutDecay() {
        Map<String, INDArray> parameters = parameters(golden.get("start"));
        try (AdamW optimizer = optimizer(parameters)) {
            long step = 0;
            for (JsonNode expected : golden.get("steps")) {
                optimizer.step(
                        ++step,
                        expected.get("learning_rate").doubleValue(),
                        parameters(expected.get("gradients")),
                        1);

                Goldens.assertClose(parameters.get("decayed"), expected.get("decayed"), 1e-6);
                Goldens.assertClose(parameters.get("plain"), expected.get("plain"), 1e-6);
            }
        }
    }

    @Test
    void keepsTheRunningMeansUnderTorchsNames() {
        Map<String, INDArray> parameters = parameters(golden.get("start"));
        try (AdamW optimizer = optimizer(parameters)) {
            long step = 0;
            for (JsonNode expected : golden.get("steps")) {
                optimizer.step(
                        ++step,
                        expected.get("learning_rate").doubleValue(),
                        parameters(expected.get("gradients")),
                        1);
            }

            JsonNode state = golden.get("state");
            assertThat(optimizer.state())
                    .containsOnlyKeys(
                            "decayed.exp_avg",
                            "decayed.exp_avg_sq",
                            "plain.exp_avg",
                            "plain.exp_avg_sq");
            optimizer
                    .state()
                    .forEach((name, mean) -> Goldens.assertClose(mean, state.get(name), 2e-5));
        }
    }

    @Test
    void updatesParametersInFortranOrderAlike() {
        INDArray start = Goldens.array(golden.get("start").get("decayed"));
        INDArray gradient = Goldens.array(golden.at("/steps/1/gradients/decayed"));
        Map<String, INDArray> c = Map.of("decayed", start.dup('c'));
        Map<String, INDArray> f = Map.of("decayed", start.dup('f'));
        try (AdamW forC = optimizer(c);
                AdamW forF = optimizer(f);
                Gradients gradientsF = new Gradients(f)) {
            gradientsF.arrays().get("decayed").assign(gradient);

            forC.step(1, 0.1, Map.of("decayed", gradient.dup('c')), 0.5);
            forF.step(1, 0.1, gradientsF.arrays(), 0.5);
        }

        // By ND4J's operators, and in one pass.
        assertThat(f.get("decayed").distance2(c.get("decayed")))
                .isLessThan(1e-6 * c.get("decayed").norm2Number().doubleValue());
    }

    @Test
    void updatesDoublePrecisionParameters() {
        INDArray parameter = Nd4j.createFromArray(1.0, -2.0);
        try (AdamW optimizer = new AdamW(trainable(Map.of("p", parameter)), 0)) {
            optimizer.step(1, 0.1, Map.of("p", Nd4j.createFromArray(3.0, 0.5)), 1);
        }

        // The first step is the learning rate times g / (|g| + eps).
        double expected0 = 1 - 0.1 * 3 / (3 + 1e-8);
        double expected1 = -2 - 0.1 * 0.5 / (0.5 + 1e-8);
        assertThat(parameter.dataType()).isEqualTo(DataType.DOUBLE);
        assertThat(parameter.toDoubleVector())
                .containsExactly(new double[] {expected0, expected1}, offset(1e-14));
    }

    private AdamW optimizer(Map<String, INDArray> parameters) {
        double weightDecay = golden.get("weight_decay").doubleValue();
        return new AdamW(trainable(parameters), weightDecay);
    }

    private static ParameterSet trainable(Map<String, INDArray> arrays) {
        return new ParameterSet(
                arrays.entrySet().stream()
                        .map(
                                entry ->
                                        new Parameter(
                                                entry.getKey(),
                                                entry.getValue(),
                                                true,
                                                entry.getKey().equals("decayed"),
                                                Parameter.Group.LAYER))
                        .toList());
    }

    private static Map<String, INDArray> parameters(JsonNode values) {
        Map<String, INDArray> parameters = new LinkedHashMap<>();
        parameters.put("decayed", Goldens.array(values.get("decayed")));
        parameters.put("plain", Goldens.array(values.get("plain")));
        return parameters;
    }
}
