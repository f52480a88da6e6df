@echo off
rem Runs jepa.jar with a Java that can run it.
rem JAVA_HOME chooses the Java; JEPA_JAVA_OPTS has options for it, such as -Xmx4g.
setlocal
if not defined JAVA_HOME goto path
set "JAVA=%JAVA_HOME%\bin\java.exe"
if exist "%JAVA%" goto version
echo jepa: JAVA_HOME is %JAVA_HOME%, where there is no bin\java.exe: correct it, or unset it to use the java of PATH>&2
exit /b 1

:path
set "JAVA=java.exe"
where /q java.exe
if not errorlevel 1 goto version
echo jepa: no Java was found: install a JDK or JRE of version 17 or later, such as one of https://adoptium.net, or set JAVA_HOME>&2
exit /b 1

:version
set "VERSION=unknown"
set "MAJOR=0"
for /f "tokens=2,3" %%a in ('^""%JAVA%" -version 2^>^&1^"') do if "%%a"=="version" set "VERSION=%%~b"
for /f "tokens=1,2 delims=.-+_" %%a in ("%VERSION%") do (
    set "MAJOR=%%a"
    if "%%a"=="1" set "MAJOR=%%b"
)
if "%VERSION%"=="unknown" set "MAJOR=0"
if %MAJOR% geq 17 goto run
echo jepa: %JAVA% is of version %VERSION%, but 17 or later is needed: install one, or set JAVA_HOME to it>&2
exit /b 1

:run
rem What a running JVM can no longer change: idle threads sleep.
if not defined OMP_WAIT_POLICY set "OMP_WAIT_POLICY=PASSIVE"
"%JAVA%" %JEPA_JAVA_OPTS% -jar "%~dp0..\lib\jepa.jar" %*
exit /b %ERRORLEVEL%
