package io.github.dl4jjepa.core.layer;

import java.util.Map;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.samediff.SDLayerParams;
import org.deeplearning4j.nn.conf.layers.samediff.SameDiffLayer;
import org.deeplearning4j.nn.weights.WeightInit;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A SameDiff layer as users write them: tanh of a product, token by token. */
public final class TanhLayer extends SameDiffLayer {
    private static final long serialVersionUID = 1L;
    private static final int WIDTH = 5;

    @Override
    public SDVariable defineLayer(
            SameDiff sd, SDVariable input, Map<String, SDVariable> params, SDVariable mask) {
        SDVariable tokens = input.permute(0, 2, 1).reshape(-1, WIDTH);
        SDVariable shape =
                sd.stack(0, sd.sizeAt(input, 0), sd.sizeAt(input, 2), sd.constant((long) WIDTH));
        return sd.math().tanh(tokens.mmul(params.get("W"))).reshape(shape).permute(0, 2, 1);
    }

    @Override
    public void defineParameters(SDLayerParams params) {
        params.addWeightParam("W", WIDTH, WIDTH);
    }

    @Override
    public void initializeParameters(Map<String, INDArray> params) {
        initWeights(WIDTH, WIDTH, WeightInit.XAVIER, params.get("W"));
    }

    @Override
    public InputType getOutputType(int layerIndex, InputType inputType) {
        return inputType;
    }
}
