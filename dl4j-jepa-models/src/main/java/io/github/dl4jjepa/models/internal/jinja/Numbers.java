package io.github.dl4jjepa.models.internal.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.List;

/**
 * Python's numbers: int is Long, or BigInteger where it is larger; float is Double; bool counts as
 * int.
 */
final class Numbers {
    private static final BigInteger MIN = BigInteger.valueOf(Long.MIN_VALUE);
    private static final BigInteger MAX = BigInteger.valueOf(Long.MAX_VALUE);

    /** The most bits of an integer; Python writes no more than 4300 digits of one. */
    private static final int MAX_BITS = 1 << 16;

    private static final BigInteger LARGEST_POWER = BigInteger.valueOf(MAX_BITS);

    private Numbers() {}

    static boolean isNumber(Object value) {
        return value instanceof Number || value instanceof Boolean;
    }

    static boolean isInteger(Object value) {
        return isNumber(value) && !(value instanceof Double);
    }

    /** An int in its one form. */
    static Object normal(BigInteger value) {
        if (value.bitLength() > MAX_BITS) {
            throw new TemplateException("the template makes an integer that is too large");
        }
        return value.compareTo(MIN) >= 0 && value.compareTo(MAX) <= 0
                ? (Object) value.longValue()
                : value;
    }

    /** An int; the value must be one. */
    static BigInteger big(Object value) {
        if (value instanceof Boolean truth) {
            return truth ? BigInteger.ONE : BigInteger.ZERO;
        }
        return value instanceof BigInteger big ? big : BigInteger.valueOf((Long) value);
    }

    /** A number as a float. */
    static double real(Object value) {
        if (value instanceof Double number) {
            return number;
        }
        double number = big(value).doubleValue();
        if (Double.isInfinite(number)) {
            throw new TemplateException("int too large to convert to float");
        }
        return number;
    }

    /** An index or a count; one that is larger than any value is cut to that size. */
    static long integer(Object value) {
        if (value instanceof Undefined undefined) {
            throw undefined.error();
        } else if (!isInteger(value)) {
            throw new TemplateException("a value of type " + Python.type(value) + " is not an int");
        }
        return big(value).max(MIN).min(MAX).longValue();
    }

    static boolean isZero(Object value) {
        return value instanceof Double number ? number == 0 : big(value).signum() == 0;
    }

    static boolean isNaN(Object value) {
        return value instanceof Double number && number.isNaN();
    }

    /** How two numbers are ordered; neither is NaN. */
    static int compare(Object left, Object right) {
        if (left instanceof Double a && right instanceof Double b) {
            return a < b ? -1 : a > b ? 1 : 0;
        } else if (left instanceof Double a && a.isInfinite()) {
            return a > 0 ? 1 : -1;
        } else if (right instanceof Double b && b.isInfinite()) {
            return b > 0 ? -1 : 1;
        }
        return decimal(left).compareTo(decimal(right));
    }

    private static BigDecimal decimal(Object value) {
        return value instanceof Double number ? new BigDecimal(number) : new BigDecimal(big(value));
    }

    /** {@code left operator right}, of values that may be other than numbers. */
    static Object apply(String operator, Object left, Object right) {
        if (isNumber(left) && isNumber(right)) {
            return isInteger(left) && isInteger(right)
                    ? integers(operator, big(left), big(right))
                    : reals(operator, real(left), real(right));
        } else if (operator.equals("+")) {
            Object sum = concatenation(left, right);
            if (sum != null) {
                return sum;
            }
        } else if (operator.equals("*") && isInteger(right) && isSequence(left)) {
            return repeat(left, integer(right));
        } else if (operator.equals("*") && isInteger(left) && isSequence(right)) {
            return repeat(right, integer(left));
        } else if (operator.equals("%") && left instanceof String format) {
            return PercentFormat.format(format, right);
        }
        throw unsupported(operator, left, right);
    }

    static TemplateException unsupported(String operator, Object left, Object right) {
        if (left instanceof Undefined undefined) {
            return undefined.error();
        } else if (right instanceof Undefined undefined) {
            return undefined.error();
        }
        return new TemplateException(
                "unsupported operand types for "
                        + operator
                        + ": "
                        + Python.type(left)
                        + " and "
                        + Python.type(right));
    }

    private static boolean isSequence(Object value) {
        return value instanceof String || value instanceof List && !(value instanceof Range);
    }

    private static Object concatenation(Object left, Object right) {
        if (left instanceof String a && right instanceof String b) {
            Text.limit((long) a.length() + b.length());
            return a + b;
        }
        boolean tuples = left instanceof Tuple && right instanceof Tuple;
        if (tuples || Python.isList(left) && Python.isList(right)) {
            List<Object> sum = Python.list(left);
            Text.limitElements((long) sum.size() + ((List<?>) right).size());
            sum.addAll((List<?>) right);
            return tuples ? new Tuple(sum) : sum;
        }
        return null;
    }

    private static Object repeat(Object sequence, long count) {
        if (sequence instanceof String text) {
            return Text.repeat(text, count);
        }
        List<?> elements = (List<?>) sequence;
        List<Object> repeated = new java.util.ArrayList<>();
        if (count > 0 && !elements.isEmpty()) {
            Text.limitElements(count);
            Text.limitElements(count * elements.size());
            for (long i = 0; i < count; i++) {
                repeated.addAll(elements);
            }
        }
        return sequence instanceof Tuple ? new Tuple(repeated) : repeated;
    }

    private static Object integers(String operator, BigInteger a, BigInteger b) {
        boolean divides = operator.equals("/") || operator.equals("//") || operator.equals("%");
        if (divides && b.signum() == 0) {
            throw new TemplateException("division by zero");
        }
        return switch (operator) {
            case "+" -> normal(a.add(b));
            case "-" -> normal(a.subtract(b));
            case "*" -> normal(a.multiply(b));
            case "/" -> quotient(a, b);
            case "//" -> normal(floorDivision(a, b));
            case "%" -> normal(a.subtract(b.multiply(floorDivision(a, b))));
            default -> power(a, b);
        };
    }

    private static BigInteger floorDivision(BigInteger a, BigInteger b) {
        BigInteger[] parts = a.divideAndRemainder(b);
        boolean rounded = parts[1].signum() != 0 && parts[1].signum() != b.signum();
        return rounded ? parts[0].subtract(BigInteger.ONE) : parts[0];
    }

    private static double quotient(BigInteger a, BigInteger b) {
        if (a.bitLength() <= 53 && b.bitLength() <= 53) {
            return a.doubleValue() / b.doubleValue();
        }
        double quotient =
                new BigDecimal(a).divide(new BigDecimal(b), new MathContext(800)).doubleValue();
        if (Double.isInfinite(quotient)) {
            throw new TemplateException("integer division result too large for a float");
        }
        return quotient;
    }

    private static Object power(BigInteger a, BigInteger b) {
        if (b.signum() < 0) {
            return realPower(real(normal(a)), real(normal(b)));
        }
        int bits = a.abs().bitLength();
        if (bits <= 1) {
            return smallPower(a, b.testBit(0), b.signum() == 0);
        } else if (b.multiply(BigInteger.valueOf(bits - 1L)).compareTo(LARGEST_POWER) > 0) {
            throw new TemplateException("the template makes an integer that is too large");
        }
        return normal(a.pow(b.intValueExact()));
    }

    /** A power of -1, 0 or 1, whose exponent may be beyond any int. */
    private static Object smallPower(BigInteger a, boolean odd, boolean zero) {
        if (zero || a.equals(BigInteger.ONE)) {
            return 1L;
        } else if (a.signum() == 0) {
            return 0L;
        }
        return odd ? -1L : 1L;
    }

    private static double realPower(double a, double b) {
        if (a == 0 && b < 0) {
            throw new TemplateException("0.0 cannot be raised to a negative power");
        } else if (a < 0 && !Double.isInfinite(a) && b != Math.rint(b)) {
            throw new TemplateException("the power is a complex number, which is not supported");
        } else if (a == 1 || b == 0) {
            return 1;
        } else if (a == -1 && Double.isInfinite(b)) {
            return 1;
        }
        double power = Math.pow(a, b);
        if (Double.isInfinite(power) && !Double.isInfinite(a) && !Double.isInfinite(b)) {
            throw new TemplateException("Numerical result out of range");
        }
        return power;
    }

    private static Object reals(String operator, double a, double b) {
        boolean divides = operator.equals("/") || operator.equals("//") || operator.equals("%");
        if (divides && b == 0) {
            throw new TemplateException("float division by zero");
        }
        return switch (operator) {
            case "+" -> (Object) (a + b);
            case "-" -> a - b;
            case "*" -> a * b;
            case "/" -> a / b;
            case "//" -> floorDivision(a, b);
            case "%" -> remainder(a, b);
            default -> realPower(a, b);
        };
    }

    private static double remainder(double a, double b) {
        double remainder = a % b;
        if (remainder == 0) {
            return Math.copySign(0, b);
        }
        return remainder < 0 != b < 0 ? remainder + b : remainder;
    }

    private static double floorDivision(double a, double b) {
        double remainder = a % b;
        double quotient = (a - remainder) / b;
        if (remainder != 0 && remainder < 0 != b < 0) {
            quotient -= 1;
        }
        if (quotient == 0) {
            return Math.copySign(0, a / b);
        }
        double floor = Math.floor(quotient);
        return quotient - floor > 0.5 ? floor + 1 : floor;
    }

    static Object negate(Object value) {
        if (value instanceof Double number) {
            return -number;
        }
        return normal(big(operand("-", value)).negate());
    }

    static Object plus(Object value) {
        return value instanceof Double ? value : normal(big(operand("+", value)));
    }

    static Object absolute(Object value) {
        if (value instanceof Double number) {
            return Math.abs(number);
        }
        return normal(big(operand("abs()", value)).abs());
    }

    private static Object operand(String operator, Object value) {
        if (value instanceof Undefined undefined) {
            throw undefined.error();
        } else if (!isNumber(value)) {
            throw new TemplateException(
                    "bad operand type for unary " + operator + ": " + Python.type(value));
        }
        return value;
    }

    /** {@code round(value, digits)}. */
    static Object round(Object value, long digits) {
        operand("round()", value);
        if (isInteger(value)) {
            BigInteger whole = big(value);
            return normal(
                    digits >= 0
                            ? whole
                            : new BigDecimal(whole)
                                    .setScale(scale(digits), RoundingMode.HALF_EVEN)
                                    .toBigInteger());
        }
        double number = (Double) value;
        if (Double.isNaN(number) || Double.isInfinite(number) || digits > 400) {
            return number;
        }
        double rounded =
                new BigDecimal(number)
                        .setScale(scale(digits), RoundingMode.HALF_EVEN)
                        .doubleValue();
        return rounded == 0 ? Math.copySign(0, number) : rounded;
    }

    private static int scale(long digits) {
        return (int) Math.max(-2 * Text.MAX_DIGITS, digits);
    }

    /** {@code int(float)}. */
    static Object truncate(double number) {
        if (Double.isNaN(number)) {
            throw new TemplateException("cannot convert float NaN to integer");
        } else if (Double.isInfinite(number)) {
            throw new TemplateException("cannot convert float infinity to integer");
        }
        return normal(new BigDecimal(number).toBigInteger());
    }

    /** {@code int(text, base)}; null where that raises ValueError. */
    static Object parseInteger(String text, int base) {
        String digits = Python.strip(text, null, true, true);
        boolean negative = digits.startsWith("-");
        digits = digits.startsWith("-") || digits.startsWith("+") ? digits.substring(1) : digits;
        String prefix = digits.length() > 1 ? Python.lower(digits.substring(0, 2)) : "";
        int radix =
                switch (prefix) {
                    case "0x" -> base == 0 || base == 16 ? 16 : base;
                    case "0o" -> base == 0 || base == 8 ? 8 : base;
                    case "0b" -> base == 0 || base == 2 ? 2 : base;
                    default -> base == 0 ? 10 : base;
                };
        boolean prefixed =
                radix == 16 && prefix.equals("0x")
                        || radix == 8 && prefix.equals("0o")
                        || radix == 2 && prefix.equals("0b");
        if (prefixed) {
            digits = digits.substring(digits.startsWith("_", 2) ? 3 : 2);
        }
        boolean wellFormed = digits.matches("[0-9a-zA-Z]+(_[0-9a-zA-Z]+)*");
        if (!wellFormed
                || digits.length() > MAX_BITS
                || base == 0 && leadsWithZero(digits, radix)) {
            return null;
        }
        try {
            String plain = digits.replace("_", "");
            if (radix == 10 && plain.length() > Text.MAX_DIGITS) {
                return null;
            }
            BigInteger value = new BigInteger(plain, radix);
            return normal(negative ? value.negate() : value);
        } catch (NumberFormatException e) {
            return null;
        }
    }

    private static boolean leadsWithZero(String digits, int radix) {
        return radix == 10 && digits.matches("0[0_]*[1-9].*");
    }

    /** {@code float(text)}; null where that raises ValueError. */
    static Double parseReal(String text) {
        String digits = Python.lower(Python.strip(text, null, true, true));
        if (digits.matches("[+-]?(inf|infinity)")) {
            return digits.startsWith("-") ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
        } else if (digits.matches("[+-]?nan")) {
            return Double.NaN;
        }
        String run = "[0-9]+(_[0-9]+)*";
        String form = "[+-]?(" + run + "(\\.(" + run + ")?)?|\\." + run + ")(e[+-]?" + run + ")?";
        return digits.matches(form) ? Double.valueOf(digits.replace("_", "")) : null;
    }
}
