"""Write golden.json: what the Jinja2 of transformers 5.23 makes of small templates.

    python make_golden.py > golden.json

Needs transformers. Templates are rendered as apply_chat_template renders them; `error` is true where that raises.
"""

import json

from transformers.utils.chat_template_utils import _compile_jinja_template

VARIABLES = {
    "s": "  Héllo 🙂 wörld \n",
    "blanks": "\u00a0\u1680\u0085\x1c x\u3000\x0b",
    "n": 7,
    "f": 0.1,
    "none_value": None,
    "yes": True,
    "words": ["b", "a", "", "c"],
    "numbers": [3, 1, 2],
    "empty": [],
    "d": {"k": 1, "nested": {"x": [1, 2.5, None, True, "é\"\\\n\t\u0001/<&>"]}, "items2": {}},
    "turns": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a", "flag": True}],
}

TEMPLATES = [
    # white space
    "a\n  {% if yes %}\n  b\n  {% endif %}\nc\n",
    "a  {% if yes %}  b  {% endif %}  c",
    "a\n  {{ n }}\n  b",
    "a  {%- if yes -%}  b  {%- endif -%}  c",
    "a \n {{- n -}} \n b",
    "  {% set x = 1 %}\n  x{{ x }}",
    "  {%+ if yes %}\n b {%+ endif %}\n",
    "{% if yes +%}\n b {% endif +%}\nc",
    "a\n  {# comment #}\n  b {# c {{ n }} #}\nc",
    "a {#- comment -#}\n b",
    "a\u00a0{%- if yes %}b{% endif %}",
    "a\r\n  {% if yes %}\r\nb\rc{% endif %}",
    "x\n\n",
    "x{% if yes %}\n{% endif %}\n",
    "\n\n{% if yes %}\n\nx{% endif %}\n\n\n",
    "{% for w in words %}\n{{ w }}\n{% endfor %}\n",
    "{% for w in words %}{{ w }}\n  {% if loop.last %}!{% endif %}{% endfor %}",
    "text { and } and % and # and {x}",
    "{{ '}}' }}{{ \"%}\" }}{{ '{% if %}' }}{{ '{# #}' }}",
    "{{ {'a': {'b': 'c'}}['a']['b'] }}",
    "{{ 'it\\'s' }}{{ \"a\\\"b\\\\n\\n\\t|\" }}",
    "{{ 'two\nlines' }}",
    "\t {% if yes %}x\t {% endif %}",
    # expressions
    "{{ not n == 7 }}{{ not n is string }}{{ not yes and yes }}{{ not words|length == 4 }}",
    "{{ 1 + 2 * 3 - 4 }}{{ 7 // 2 }}{{ -7 // 2 }}{{ -7 % 3 }}{{ 7 / 2 }}{{ n -1 }}{{ n +1 }}{{ -n }}",
    "{{ 'a' ~ 1 ~ none_value ~ true ~ missing ~ 0.5 }}",
    "{{ 'x' + '1' | string + 'y' | upper }}",
    "{{ words | length - 1 }}{{ (words | length) * 2 }}",
    "{{ 'a' if n > 5 else 'b' }}{{ 'a' if n > 9 else 'b' if n > 8 else 'c' }}[{{ 'x' if not yes }}]",
    "{{ '' or 'b' }}{{ 'a' and 'b' }}{{ 0 or none or '' }}{{ 'false' and 'yes' }}",
    "{{ 1 == 1.0 }}{{ true == 1 }}{{ '1' == 1 }}{{ none == false }}{{ missing == '' }}{{ missing == missing2 }}{{ 'true' == true }}",
    "{{ n < 8 }}{{ n >= 7 }}{{ 'a' < 'b' }}{{ 'B' < 'a' }}{{ n != 7 }}",
    "{{ 'a' in words }}{{ 'z' not in words }}{{ 'k' in d }}{{ 'llo' in s }}{{ 1 in numbers }}{{ '1' in numbers }}{{ 'x' in missing }}",
    "{{ 1 in 'abc' }}",
    "{{ 'a' + 1 }}",
    "{{ 'a' + none_value }}",
    "{{ 'a' + missing }}",
    "{{ missing + 'a' }}",
    "{{ missing.attribute }}",
    "{{ missing['key'] }}",
    "{{ missing() }}",
    "{{ missing | length }}[{{ missing }}][{{ d.missing }}][{{ none_value.attribute }}]{{ none_value }}",
    "{{ words[10] }}{{ words[-1] }}{{ words[0] }}{{ s[2] }}{{ s[-3] }}{{ words['x'] }}",
    "{{ words[1:] | join(',') }}{{ words[:-1] | join(',') }}{{ words[::-1] | join(',') }}{{ words[::2] | join }}{{ words[-2:] | join }}{{ words[5:] | length }}",
    "{{ s[2:9] }}{{ s[::-1] | trim }}{{ s[:100] | length }}{{ words[2:0:-1] | join(',') }}{{ words[0:10:3] | join(',') }}",
    "{{ d.k }}{{ d['k'] }}{{ d.nested.x[1] }}{{ d['nested']['x'][4] | length }}",
    "{{ ['a', 'b',] | join }}{{ ('a', 'b') | join }}{{ [] | length }}{{ {} | length }}",
    "{{ true }}{{ True }}{{ false }}{{ none }}{{ None }}{{ 1e20 }}{{ 1.0 }}{{ 0.1 + 0.2 }}{{ 1e-7 }}",
    "{{ -n | string }}{{ -d.k }}{{ - -n }}{{ n is eq 7 | string }}",
    "{{ words | first[0] }}",
    "{{ -words | length }}",
    "{{ 2 is even is true }}",
    "{% set empty = 1 %}{{ empty + 1 }}{{ d.mod is defined }}",
    # methods
    "[{{ s.strip() }}][{{ blanks.strip() }}][{{ blanks | trim }}][{{ 'xxaxx'.strip('x') }}][{{ '\\n\\na\\n'.lstrip('\\n') }}][{{ 'ab'.rstrip('ba') }}]",
    "{{ 'a,b,,c'.split(',') | join('|') }}{{ ' a  b '.split() | join('|') }}{{ 'a,b,c'.split(',', 1) | join('|') }}{{ 'a  b  c '.split(None, 1) | join('|') }}{{ 'abc'.split('b')[-1] }}",
    "{{ 'abc'.startswith('ab') }}{{ 'abc'.endswith(('x', 'c')) }}{{ 'abc'.startswith('') }}{{ 'a-b'.replace('-', '+') }}{{ 'aXb'.lower() }}{{ 'ß'.upper() }}",
    "{{ 'abcb'.find('b') }}{{ '🙂b'.find('b') }}{{ 'abc'.find('z') }}{{ 'abab'.count('ab') }}{{ ','.join(words) }}{{ 'abc'.removeprefix('a') }}{{ 'abc'.removesuffix('c') }}",
    "{{ d.get('k') }}{{ d.get('z') }}{{ d.get('z', 'no') }}{% for k, v in d.items() %}{{ k }};{% endfor %}{{ d.keys() | join(',') }}",
    "{{ 'abc'.split('') }}",
    "{{ none_value.strip() }}",
    # filters and tests
    "{{ d | tojson }}\n{{ d | tojson(indent=2) }}\n{{ empty | tojson }}{{ {} | tojson(indent=4) }}{{ 'é' | tojson }}{{ 1e16 | tojson }}{{ 123456.789 | tojson }}",
    "{{ missing | default('d') }}{{ '' | default('d') }}{{ '' | default('d', true) }}{{ none_value | default('d') }}{{ '' | d('e', boolean=true) }}",
    "{{ words | first }}{{ words | last }}[{{ empty | first }}]{{ 'abc' | reverse }}{{ numbers | reverse | join }}{{ 'hELLO' | capitalize }}",
    "{{ turns | selectattr('role', 'equalto', 'user') | list | length }}{{ turns | selectattr('flag') | map(attribute='role') | join }}{{ turns | rejectattr('flag', 'defined') | map(attribute='content') | join }}",
    "{{ words | select | join(',') }}{{ numbers | select('odd') | join(',') }}{{ words | reject('equalto', 'a') | join(',') }}{{ words | map('upper') | join(',') }}",
    "{{ d | items | list | length }}{{ d | length }}{{ 'a-b' | replace('-', '') }}{{ 3 | string + 'x' }}",
    "{{ x is defined }}{{ n is defined }}{{ none_value is defined }}{{ none_value is none }}{{ missing is none }}{{ missing is undefined }}{{ none_value is not none }}",
    "{{ s is string }}{{ d is mapping }}{{ words is iterable }}{{ s is iterable }}{{ n is iterable }}{{ n is number }}{{ f is number }}{{ yes is number }}{{ words is sequence }}{{ n is integer }}{{ f is float }}",
    "{{ yes is true }}{{ yes is false }}{{ yes is boolean }}{{ 1 is true }}{{ n is odd }}{{ n is even }}{{ n is divisibleby 7 }}{{ n is divisibleby(2) }}{{ n is eq 7 }}{{ 'a' is in words }}{{ d is not mapping }}",
    "{{ n is odd and yes is true }}{{ n is not odd or s is string }}",
    # blocks
    "{% set x = 1 %}{% for w in words %}{% set x = w %}{{ x }}{% endfor %}{{ x }}",
    "{% for w in words %}{% if seen is defined %}again{% endif %}{% set seen = true %}{% endfor %}{{ seen }}",
    "{% set ns = namespace(c=0, t='') %}{% for w in words %}{% set ns.c = ns.c + 1 %}{% set ns.t = ns.t ~ w %}{% endfor %}{{ ns.c }}{{ ns.t }}{{ ns.z }}",
    "{% set ns = namespace(last=words|length - 1, ok=n == 7 and not missing) %}{{ ns.last }}{{ ns.ok }}",
    "{% for w in words if w %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.length }}{{ w }}{% if not loop.last %},{% endif %}{% endfor %}",
    "{% for w in words if w == 'z' %}x{% else %}none{% endfor %}{% for w in missing %}x{% else %}none{% endfor %}",
    "{% for w in words if loop.first %}x{% endfor %}",
    "{% for w in ('ab' if yes else 'cd') %}{{ w }};{% endfor %}{% for i in range(3) %}{{ i }}{% endfor %}{% for i in range(5, 0, -2) %}{{ i }}{% endfor %}",
    "{% for w in words %}{{ loop.previtem }}<{{ w }}>{{ loop.nextitem }}{% if loop.previtem is defined %}!{% endif %}{% endfor %}",
    "{% for a, b in [[1, 2], (3, 4)] %}{{ a }}-{{ b }};{% endfor %}",
    "{% for a, b in [[1, 2, 3]] %}{% endfor %}",
    "{% for w in words %}{% if w == '' %}{% continue %}{% endif %}{% if w == 'c' %}{% break %}{% endif %}{{ w }}{% endfor %}",
    "{% for t in turns %}{% for c in t.content %}{{ loop.index }}{{ t.role }}{% endfor %}{{ loop.index }}{% endfor %}{{ loop }}",
    "{% if missing %}a{% elif n == 7 %}b{% else %}c{% endif %}{% if 'false' %}t{% endif %}{% if 0 %}z{% elif empty %}y{% else %}x{% endif %}",
    "{% set x %}a{{ n }}\n b{% endset %}[{{ x }}]{% set x = x ~ '!' %}{{ x }}",
    "{% set words = words[1:] %}{{ words | join(',') }}{% for w in words %}{% set words = [] %}{% endfor %}{{ words | length }}",
    "{% generation %}x{% endgeneration %}",
    "{% if yes %}x",
    "{% endif %}",
    "{% unknown %}",
    "{{ 'open }}",
    "{{ n",
    "{{ n) }}",
    "{% set n.k = 1 %}",
    "{{ raise_exception('no ' ~ n) }}",
    "{{ s | nonsense }}",
    "{{ s is nonsense }}",
    "{{ numbers.append(4) }}",
    "{{ d.update({}) }}",
    "{% for x in n %}{% endfor %}",
    "{{ n[0] }}|{{ n.x }}",
    "{{ n | length }}",
    "{{ none_value + 1 }}",
    "{{ 1 // 0 }}",
    "{{ words < 1 }}",
    "{{ undefined_function('x') }}",
]


def main():
    cases = []
    for source in TEMPLATES:
        case = {"template": source}
        try:
            case["expected"] = _compile_jinja_template(source).render(**VARIABLES)
        except Exception:
            case["error"] = True
        cases.append(case)
    print(json.dumps({"variables": VARIABLES, "cases": cases}, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
