package io.github.dl4jjepa.core.parameters;

import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Parameters in a fixed order, each name once.
 *
 * <p>The set is immutable; the arrays are those of the model. Instances may be shared by threads as
 * far as the arrays may.
 */
public final class ParameterSet implements Iterable<Parameter> {
    private static final ParameterSet EMPTY = new ParameterSet(Set.of());

    private final Map<String, Parameter> parameters;

    /**
     * A set of parameters.
     *
     * @param parameters the parameters in order
     * @throws IllegalArgumentException if two of them have the same name
     */
    public ParameterSet(Collection<Parameter> parameters) {
        Map<String, Parameter> byName = new LinkedHashMap<>();
        for (Parameter parameter : parameters) {
            if (byName.put(parameter.name(), parameter) != null) {
                throw new IllegalArgumentException(
                        "two parameters have the name " + parameter.name());
            }
        }
        this.parameters = Collections.unmodifiableMap(byName);
    }

    /** A set without parameters. */
    public static ParameterSet empty() {
        return EMPTY;
    }

    /** The parameters that are trained. */
    public ParameterSet trainable() {
        return where(Parameter::trainable);
    }

    /** The parameters that are not trained. */
    public ParameterSet frozen() {
        return where(parameter -> !parameter.trainable());
    }

    /**
     * The parameters of some groups.
     *
     * @param groups one or more groups
     */
    public ParameterSet of(Parameter.Group... groups) {
        Set<Parameter.Group> wanted = Set.of(groups);
        return where(parameter -> wanted.contains(parameter.group()));
    }

    /** The parameters that satisfy a condition. */
    public ParameterSet where(Predicate<Parameter> condition) {
        return new ParameterSet(stream().filter(condition).toList());
    }

    /**
     * The same parameters, of which those that satisfy a condition are frozen.
     *
     * @param condition which parameters to freeze; those that are frozen already stay so
     */
    public ParameterSet freeze(Predicate<Parameter> condition) {
        return new ParameterSet(
                stream()
                        .map(
                                parameter ->
                                        condition.test(parameter) ? parameter.freeze() : parameter)
                        .toList());
    }

    /**
     * The same parameters with other arrays.
     *
     * @param arrays arrays by name; a parameter that is not named keeps its own
     * @throws NoSuchElementException if the set has no parameter of a name
     * @throws IllegalArgumentException if an array has another shape than the one it replaces
     */
    public ParameterSet with(Map<String, INDArray> arrays) {
        arrays.forEach(
                (name, array) -> {
                    if (!Arrays.equals(array(name).shape(), array.shape())) {
                        throw new IllegalArgumentException(
                                name
                                        + " must be an array of shape "
                                        + Arrays.toString(array(name).shape())
                                        + ", not "
                                        + Arrays.toString(array.shape()));
                    }
                });
        return new ParameterSet(
                stream()
                        .map(
                                parameter ->
                                        parameter.with(
                                                arrays.getOrDefault(
                                                        parameter.name(), parameter.array())))
                        .toList());
    }

    /**
     * These parameters followed by others.
     *
     * @throws IllegalArgumentException if both sets have a parameter of the same name
     */
    public ParameterSet plus(ParameterSet others) {
        return new ParameterSet(Stream.concat(stream(), others.stream()).toList());
    }

    /**
     * A parameter.
     *
     * @throws NoSuchElementException if the set has no parameter of this name
     */
    public Parameter get(String name) {
        Parameter parameter = parameters.get(name);
        if (parameter == null) {
            throw new NoSuchElementException("there is no parameter " + name);
        }
        return parameter;
    }

    /**
     * The array of a parameter.
     *
     * @throws NoSuchElementException if the set has no parameter of this name
     */
    public INDArray array(String name) {
        return get(name).array();
    }

    /** The arrays by name, in order; the map cannot be changed. */
    public Map<String, INDArray> arrays() {
        Map<String, INDArray> arrays = new LinkedHashMap<>();
        parameters.forEach((name, parameter) -> arrays.put(name, parameter.array()));
        return Collections.unmodifiableMap(arrays);
    }

    /** The names in order. */
    public Set<String> names() {
        return parameters.keySet();
    }

    /** Whether the set has a parameter of this name. */
    public boolean contains(String name) {
        return parameters.containsKey(name);
    }

    /** Whether the set has no parameters. */
    public boolean isEmpty() {
        return parameters.isEmpty();
    }

    /** The number of single values in all arrays. */
    public long length() {
        return stream().mapToLong(parameter -> parameter.array().length()).sum();
    }

    /**
     * The arrays' type, the same for all.
     *
     * @throws NoSuchElementException if the set is empty
     */
    public DataType dataType() {
        return parameters.values().iterator().next().array().dataType();
    }

    /** The parameters in order. */
    public Stream<Parameter> stream() {
        return parameters.values().stream();
    }

    @Override
    public Iterator<Parameter> iterator() {
        return parameters.values().iterator();
    }

    @Override
    public String toString() {
        return names().toString();
    }
}
