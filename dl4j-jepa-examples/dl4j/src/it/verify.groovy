// A Deeplearning4j user's project: it compiles, its listeners are heard under logback 1.2, it saves its network.
// basedir is this script's folder.
File project = new File(basedir, '../../target/it/project-template')
String log = new File(project, 'build.log').text
assert log =~ /INFO +JepaLossListener: Iteration 19: language-model loss [0-9.]+, JEPA loss [0-9.]+/
assert log.contains('lines with words with a vowel and a lower-case letter')
assert !log.contains('SLF4J:')
assert new File(project, 'jepa-lstm.zip').length() > 100_000
